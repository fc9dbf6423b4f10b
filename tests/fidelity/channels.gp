# Channels of one connection: real CometBFT switches (horizontal) against the simulator (vertical). usage: gnuplot -e "dir='build/fidelity'" channels.gp
set terminal pngcairo size 1500,560 font "sans,10"
set output dir."/channels.png"
set multiplot layout 1,3 title "channels of one connection: real CometBFT (horizontal) and the simulator (vertical)"
set grid
set key top left
do for [what in "mean_share blackout_s p50_ms"] {
	set title (what eq "mean_share" ? "share of the delivered bytes" : what eq "blackout_s" ? "longest gap after a channel wakes, s" : "median delay, ms")
	if (what eq "p50_ms") { set logscale xy; set xrange [100:10000]; set yrange [100:10000] } else { unset logscale; set xrange [0:*]; set yrange [0:*] }
	plot x lc rgb "#999999" notitle, \
	     dir."/channels_".what.".dat" using ($3==1?$1:1/0):2 pt 7 ps 0.7 title "queues of eight messages and more", \
	     dir."/channels_".what.".dat" using ($3==0?$1:1/0):2 pt 6 ps 0.8 title "shorter queues"
}
unset multiplot
