# SPDX-License-Identifier: Apache-2.0
# Turns the runs of one row into its line: bench/run sets row, title, metric, side, goal.
#
# Input lines: row side pair {"key":number,...}.  Output, separated by tabs: title, ours, limit,
# ratio, goal, verdict, lowest and highest ratio, broker CPU in us per request ours and limit, and
# the same as JSON.  Pair 0 is not judged.

function value(json, key,   rest) {
    if (!match(json, "\"" key "\":")) return ""
    rest = substr(json, RSTART + RLENGTH)
    match(rest, /^[-0-9.e+]+/)
    return substr(rest, 1, RLENGTH) + 0
}

function median(list, count,   i, j, t) {
    for (i = 2; i <= count; i++)
        for (j = i; j > 1 && list[j] < list[j - 1]; j--) { t = list[j]; list[j] = list[j - 1]; list[j - 1] = t }
    if (count == 0) return ""
    return count % 2 ? list[(count + 1) / 2] : (list[count / 2] + list[count / 2 + 1]) / 2
}

function shown(v) {
    if (v == "") return "-"
    if (metric ~ /requests_per_s$/) return sprintf("%.1f k/s", v / 1e3)
    if (metric ~ /bytes_per_s$/) return sprintf("%.3f GB/s", v / 1e9)
    if (metric ~ /_us$/) return v < 1000 ? sprintf("%.1f us", v) : sprintf("%.2f ms", v / 1e3)
    if (metric ~ /_bytes$/) return sprintf("%.1f MB", v / 1e6)
    return v
}

function number(v) { return v == "" ? "null" : sprintf("%.6g", v) }

$1 == row && $3 > 0 && $2 == "ours" { ours[$3] = value($0, metric); cpu_ours[$3] = value($0, "server_cpu_us") }
$1 == row && $3 > 0 && $2 == side { limit[$3] = value($0, metric); cpu_limit[$3] = value($0, "server_cpu_us") }

END {
    for (p = 1; p in ours; p++) {
        o[++no] = ours[p]
        if (cpu_ours[p] != "") co[++nco] = cpu_ours[p]
        if (limit[p] == "" || limit[p] == 0) continue
        l[++nl] = limit[p]
        r[++nr] = ours[p] / limit[p]
        if (cpu_limit[p] != "") cl[++ncl] = cpu_limit[p]
    }
    our = median(o, no); lim = median(l, nl); ratio = median(r, nr)
    spread = nr ? sprintf("%.2f-%.2f", r[1], r[nr]) : "-"
    bound = substr(goal, 3) + 0
    judged = ratio
    if (goal ~ /ms$/) { judged = our; bound *= 1e3 }
    if (goal ~ /MB$/) { judged = our; bound *= 1e6 }
    verdict = goal == "-" ? "-" : (goal ~ /^>=/ ? judged >= bound : judged <= bound) ? "ok" : "short"
    cpu1 = median(co, nco); cpu2 = median(cl, ncl)
    printf "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t", title, shown(our), shown(lim),
        ratio == "" ? "-" : sprintf("%.2f", ratio), goal, verdict, spread,
        cpu1 == "" ? "-" : sprintf("%.2f", cpu1), cpu2 == "" ? "-" : sprintf("%.2f", cpu2)
    printf "{\"name\":\"%s\",\"metric\":\"%s\",\"ours\":%s,\"limit\":%s,\"ratio\":%s,", title, metric,
        number(our), number(lim), number(ratio)
    printf "\"ratio_min\":%s,\"ratio_max\":%s,\"goal\":\"%s\",\"verdict\":\"%s\",", number(r[1]),
        number(r[nr]), goal, verdict
    printf "\"cpu_us_ours\":%s,\"cpu_us_limit\":%s}\n", number(cpu1), number(cpu2)
}
