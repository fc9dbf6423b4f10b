# Simulated against kernel: goodput and delivery times, both fidelities. usage: gnuplot -e "dir='build/fidelity'" plot.gp
set terminal pngcairo size 1200,1000 font "sans,11"
set output dir.'/fidelity.png'
set multiplot layout 2,2 title "Simulated TCP (vertical) against Linux 6.18 (horizontal); the lines are 15 % apart from equality"
set logscale xy
set grid
set key top left
do for [tcp in "segment flow"] {
	set title tcp.": goodput 0-30 s, Mbit/s"
	set xrange [0.3:120]; set yrange [0.3:120]
	plot x lc rgb "#888888" notitle, 1.15*x lc rgb "#cccccc" notitle, x/1.15 lc rgb "#cccccc" notitle, \
		for [cc in "reno cubic bbr"] dir.'/plot-'.tcp.'-'.cc.'.dat' index 0 pt 7 ps 0.8 title cc
	set title tcp.": delivery of 100 kB and 1 MB, median, s"
	set xrange [0.05:40]; set yrange [0.05:40]
	plot x lc rgb "#888888" notitle, 1.15*x lc rgb "#cccccc" notitle, x/1.15 lc rgb "#cccccc" notitle, \
		for [cc in "reno cubic bbr"] dir.'/plot-'.tcp.'-'.cc.'.dat' index 1 pt 7 ps 0.8 title cc
}
unset multiplot
