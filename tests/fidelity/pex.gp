# Curves of networks that find each other by PEX: real CometBFT (points, 1 sd) and simulated (lines). usage: gnuplot -e "dir='build/fidelity'" pex.gp
set terminal pngcairo size 1700,560 font "sans,10"
set output dir."/pex.png"
set multiplot layout 1,3 title "networks by PEX: real CometBFT nodes (points, 1 sd) and the simulator (lines, mean of seeds)"
set key bottom right
set xlabel "seconds"
set grid
files = system("ls ".dir."/pex_*.dat")
do for [column in "1 2 3"] {
    c = int(column)
    set title (c == 1 ? "outbound peers of a node" : c == 2 ? "addresses in a book" : "requests sent by all")
    plot for [i=1:words(files)] word(files,i) using 1:(column(3*c-1)):(column(3*c)) with yerrorbars lc i pt 7 ps 0.6 notitle, \
         for [i=1:words(files)] word(files,i) using 1:(column(3*c+1)) with lines lc i lw 2 title system("basename ".word(files,i)." .dat | sed 's/^pex_//; s/_/ /g'") noenhanced
}
unset multiplot
