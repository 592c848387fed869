# SPDX-License-Identifier: GPL-2.0-only
# The results of bench, an array of its JSON files, as a page with SVG charts.

def text: tostring | @html;

# 1234567: 1.23 M
def short:
  if . == null then "-"
  elif (. | fabs) >= 1e6 then "\(. / 1e4 | round / 100) M"
  elif (. | fabs) >= 1e4 then "\(. / 1e2 | round / 10) k"
  elif (. | fabs) >= 100 then "\(. | round)"
  else "\(. * 1000 | round / 1000)" end;

# Rows of the same bar together, in their order
def bars: reduce .bars[] as $r ([];
  if length > 0 and .[-1][0].name == $r.name then .[-1] += [$r] else . + [[$r]] end);

def class: {engine: "ours", loaded: "ours", moved: "ours", moving: "ours", rules: "ours",
  never: "ours", xdp: "ours", native: "native", plain: "plain", empty: "plain",
  copy: "bound"}[.] // "other";

# What a row is judged by
def judged: if (.kind // "") | startswith("ratio") then .ratio else .median end;

def sign: if (.kind // "") | endswith("least") then "≥" else "≤" end;

def verdict:
  if .holds == null then ""
  else "<tspan class=\"\(if .holds then "yes" else "no" end)\">  goal \(sign) \(.limit): " +
    "\(if .holds then "holds" else "missed" end)</tspan>" end;

def notes:
  [ (if .ratio then "\(.variant) : \(.state) = \(.ratio * 1000 | round / 1000)" else empty end),
    (if (.mb_per_s | length) > 0 then "\(.mb_per_s | sort | .[length / 2 | floor] | short) MB/s" else empty end),
    (if (.retransmitted // 0) > 0 then "\(.retransmitted) sent again" else empty end) ]
  | join(", ") | text;

# Where a value is on the axis
def x($most; $v): 110 + 330 * ([$v, 0] | max) / $most;

def chart:
  (map(.max) | max | if . > 0 then . else 1 end) as $most
  | (30 * length + 8) as $height
  | "<svg viewBox=\"0 0 1000 \($height)\" role=\"img\" aria-label=\"\(.[0].what | text)\">"
  + (to_entries | map(.key as $i | .value as $r | (8 + 30 * $i) as $y |
      "<text x=\"102\" y=\"\($y + 15)\" class=\"state\">\($r.state | text)</text>"
    + "<rect x=\"110\" y=\"\($y)\" height=\"20\" rx=\"2\" width=\"\(x($most; $r.median) - 110)\" class=\"\($r.state | class)\"/>"
    + (if $r.max > $r.min then
        "<path class=\"spread\" d=\"M\(x($most; $r.min)) \($y + 10)H\(x($most; $r.max))M\(x($most; $r.min)) \($y + 5)v10M\(x($most; $r.max)) \($y + 5)v10\"/>"
      else "" end)
    + "<text x=\"\(x($most; $r.max) + 8)\" y=\"\($y + 15)\">\($r.median | short)"
    + "<tspan class=\"notes\">  \($r | notes)</tspan>\($r | verdict)</text>") | join(""))
  + "</svg>";

def figure:
  "<figure id=\"\(.[0].name | text)\"><figcaption><b>\(.[0].name | text)</b> \(.[0].what | text)"
  + " <span class=\"unit\">\(.[0].unit | text)</span></figcaption>" + chart + "</figure>";

def section:
  "<section id=\"bench-\(.bench | text)\"><h2>\(.bench | text)</h2><p>Kernel \(.kernel | text), \(.runs) "
  + "run\(if .runs == 1 then "" else "s" end) of each state, interleaved."
  + (if (.disturbed // 0) > 0 then
      " <em>The machine was busy with other things: \(.disturbed) values are doubtful.</em>" else "" end)
  + "</p>" + (bars | map(figure) | join("\n")) + "</section>";

# The goals, all benchmarks together
def goals:
  [.[] as $b | $b.bars[] | select(.holds != null) | . + {kernel: ($b.kernel | split("+")[0])}] as $g
  | "<section><h2>Goals</h2><p>\([$g[] | select(.holds)] | length) of \($g | length) hold.</p>"
  + "<table><tr><th>bar<th>what<th>is<th>goal<th>kernel<th></tr>"
  + ($g | map("<tr><td><a href=\"#\(.name | text)\">\(.name | text)</a><td>\(.what | text)"
      + "<td class=\"n\">"
      + (if .kind | startswith("ratio") then "\(judged | . * 1000 | round / 1000) of \(.state | text)"
         else judged | short end)
      + "<td class=\"n\">\(sign) \(.limit)<td>\(.kernel | text)"
      + "<td class=\"\(if .holds then "yes\">holds" else "no\">missed" end)</tr>") | join("\n"))
  + "</table></section>";

"<!doctype html>
<!-- SPDX-License-Identifier: GPL-2.0-only -->
<html lang=\"en\"><head><meta charset=\"utf-8\"><title>toe: benchmarks</title>
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<style>
:root { color-scheme: light dark; --ink: #222; --paper: #fff; --dim: #666; --line: #ddd;
	--ours: #1769aa; --native: #9aa5b1; --plain: #d0d5db; --bound: #c9a227; --good: #187a3c; --bad: #b3261e }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e4e4; --paper: #16181b; --dim: #9a9a9a;
	--line: #33373c; --ours: #4fa3e3; --native: #76818d; --plain: #454c54; --bound: #b08f28;
	--good: #58c27d; --bad: #ff8a80 } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper);
	max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; border-bottom: 1px solid var(--line); margin-top: 2.2rem }
figure { margin: 1.1rem 0 } figcaption { margin-bottom: .2rem }
.unit, .notes { color: var(--dim); fill: var(--dim) } .unit::before { content: \"(\" } .unit::after { content: \")\" }
svg { width: 100%; height: auto; display: block } text { fill: var(--ink); font-size: 13px; white-space: pre }
.state { text-anchor: end } .ours { fill: var(--ours) } .native { fill: var(--native) } .plain { fill: var(--plain) }
.bound { fill: var(--bound) } .other { fill: var(--native) } .spread { stroke: var(--ink); fill: none; stroke-width: 1.2 }
.yes { color: var(--good); fill: var(--good) } .no { color: var(--bad); fill: var(--bad); font-weight: 600 }
table { border-collapse: collapse; width: 100%; font-size: 14px } th { text-align: left }
td, th { padding: .2rem .6rem .2rem 0; border-bottom: 1px solid var(--line); vertical-align: top } .n { white-space: nowrap }
nav a { margin-right: .8rem } a { color: inherit }
</style></head><body>
<h1>toe: benchmarks</h1>
<p>A bar is the median of all runs, the line on it reaches from the least to the most. Costs are instructions
of the host&#39;s kernel, counted; less is better. MB/s are of the wall clock of the machine that ran the lab.
What is native has all offloads of virtio-net, what is plain has no segmentation offloads.</p>
<nav>" + (map("<a href=\"#bench-\(.bench | text)\">\(.bench | text)</a>") | join(" ")) + "</nav>
" + goals + "
" + (map(section) | join("\n")) + "
</body></html>"
