"""Tables for people: medians, the spread, the ratios that count, and the goals."""

from statistics import median


def shown(value, unit):
    if unit == "GiB/s" or unit.startswith("relay CPU"):
        return f"{value:.2f}"
    if unit.endswith("/s"):
        return f"{value / 1e6:.2f} M" if value >= 1e6 else f"{value / 1e3:.1f} k"
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def best(figure, medians, metric):
    peers = [medians[row.name][metric] for row in figure.rows if row.kind == "peer" and row.name in medians]
    if not peers:
        return None
    return max(peers) if figure.more_is_better else min(peers)


def medians_of(results):
    """Of each row that was measured, by row and metric."""
    return {
        name: {metric: median(run[metric] for run in runs) for metric in runs[0]}
        for name, runs in results.items()
        if runs
    }


def table(figure, results):
    medians = medians_of(results)
    metric, unit = next(iter(figure.metrics.items()))
    limit = figure.rows[0].name
    peer = best(figure, medians, metric)
    head = [unit, "least to most", *list(figure.metrics.values())[1:], "x limit", "x best peer"]
    lines = [["", *head]]
    for row in figure.rows:
        if row.name not in medians:
            why = "failed" if row.server else "not there"
            lines.append([row.name, why, *[""] * (len(head) - 1)])
            continue
        values = [run[metric] for run in results[row.name]]
        mine = medians[row.name]
        lines.append(
            [
                row.name,
                shown(mine[metric], unit),
                f"{shown(min(values), unit)} to {shown(max(values), unit)}",
                *[shown(mine[m], u) for m, u in list(figure.metrics.items())[1:]],
                f"{mine[metric] / medians[limit][metric]:.2f}" if limit in medians else "",
                f"{mine[metric] / peer:.2f}" if peer else "",
            ]
        )
    return lines


def goal_line(figure, goal, medians):
    metric = goal.metric or next(iter(figure.metrics))
    word, sign = ("at least", "≥") if figure.more_is_better else ("at most", "≤")
    if goal.of == "best peer":
        reference = best(figure, medians, metric)
    elif goal.of:
        reference = medians.get(goal.of, {}).get(metric)
    else:
        reference = 1
    of = f" x {goal.of}" if goal.of else f" {figure.metrics[metric]}"
    line = f"{goal.row}{', ' + goal.metric if goal.metric else ''}: {sign} {goal.factor:g}{of}"
    if goal.row not in medians or not reference:
        return f"  not measured  {line}"
    ratio = medians[goal.row][metric] / reference
    reached = ratio >= goal.factor if figure.more_is_better else ratio <= goal.factor
    return f"  {'reached' if reached else 'MISSED ':12}  {line} (is {ratio:.3g})"


def print_figure(figure, results, others):
    lines = table(figure, results)
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    print(f"\n{figure.title}  [{figure.name}]")
    for line in lines:
        cells = [line[0].ljust(widths[0]), *[c.rjust(w) for c, w in zip(line[1:], widths[1:])]]
        print("  " + "  ".join(cells).rstrip())
    medians = medians_of(results)
    for goal in figure.goals:
        print(goal_line(figure, goal, medians))
    if others > 0.03:
        print(f"  other processes took {others:.0%} of the machine meanwhile: ratios are rough")
