"""How components look. All colours come from the text around them, so that they suit light and dark."""

# `&` stands for the element that holds the components. Its selector is repeated, so that the rules of a notebook for
# tables and pictures do not win over these.
STYLE = (
    """
& { color: inherit; font: 14px/1.45 system-ui, sans-serif; max-width: 980px; overflow-wrap: anywhere; }
& .answer, & .tables { display: flex; flex-wrap: wrap; gap: 8px 32px; align-items: flex-start; }
& p { margin: 4px 0; padding: 0; }
& .headline { font-size: 22px; font-weight: 600; line-height: 1.3; }
& .quiet { opacity: .75; }
& .scroll { overflow-x: auto; max-width: 100%; }
& caption, & figcaption, & .caption { font-weight: 600; text-align: start; padding: 8px 0 4px; caption-side: top;
  color: inherit; font-size: 14px; font-style: normal; }
& table { border-collapse: collapse; border: 0; margin: 4px 0; width: auto; table-layout: auto; display: table;
  font: inherit; font-variant-numeric: tabular-nums; color: inherit; overflow-wrap: normal; }
& tr, & tbody tr:nth-child(n), & tbody tr:hover { background: none; text-align: start; }
& th, & td { border: 0; border-bottom: 1px solid rgba(128, 128, 128, .35); padding: 3px 12px 3px 0; text-align: start;
  vertical-align: middle; white-space: normal; font-weight: normal; background: none; max-width: none; }
& thead th { vertical-align: bottom; font-weight: 600; }
& th[scope=row] { min-width: 5em; max-width: 11em; }
& td { white-space: nowrap; }
& bdi { display: inline-block; max-width: 100%; overflow: hidden; vertical-align: bottom; }
& th bdi { text-overflow: ellipsis; white-space: nowrap; }
& .matrix td { min-width: 2em; padding: 3px 6px; text-align: end; border: 1px solid rgba(128, 128, 128, .35); }
& .matrix thead td { border: 0; }
& .matrix .tall { padding: 3px 6px; }
& .tall bdi { writing-mode: vertical-rl; transform: rotate(180deg); max-height: 9em; white-space: nowrap; }
& .shade0 { opacity: .65; }
"""
    + "".join(
        f"& .right.shade{shade} {{ background: rgba(38, 128, 220, {shade * 0.055:.3f}); }}\n"
        f"& .wrong.shade{shade} {{ background: rgba(235, 120, 20, {min(0.08 + shade * 0.1, 0.6):.3f}); }}\n"
        for shade in range(1, 10)
    )
    + """
& .bars td { border: 0; padding: 2px 8px; }
& .bars th { border: 0; padding: 2px 8px 2px 0; }
& .bars td:last-child { text-align: end; }
& .bar { display: block; width: 160px; height: 12px; background: rgba(128, 128, 128, .2); fill: rgb(38, 128, 220); }
& .chart { display: block; width: 100%; max-width: 480px; height: auto; }
& .chart text { fill: currentColor; font: 11px system-ui, sans-serif; }
& .grid { stroke: rgba(128, 128, 128, .35); }
& .curve { stroke: rgb(38, 128, 220); stroke-width: 2; fill: none; }
& .dashed { stroke: rgb(235, 120, 20); stroke-dasharray: 5 3; }
& .dot { fill: currentColor; }
& .key { width: 24px; height: 10px; }
& .legend { display: flex; gap: 16px; }
& figure { margin: 0; padding: 0; }
& .photos { display: flex; flex-wrap: wrap; gap: 12px; }
& .photos figure { width: 140px; }
& .photos figcaption { font-weight: normal; font-size: 12px; padding: 2px 0; }
& .photos b { font-weight: 600; white-space: nowrap; }
& .path { word-break: break-all; }
& img { margin: 0; max-width: 100%; object-fit: contain; display: block; }
& .small { width: 140px; height: 112px; background: rgba(128, 128, 128, .15); }
& .large { width: auto; max-height: 320px; }
& .gone { width: 128px; height: 100px; padding: 6px; overflow: hidden; font-size: 12px;
  background: rgba(128, 128, 128, .15); }
& dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; margin: 4px 0; }
& dt, & dd { display: block; float: none; clear: none; width: auto; margin: 0; padding: 0; font-weight: normal; }
& dt { overflow-wrap: normal; white-space: nowrap; }
& dt { opacity: .75; }
& pre { margin: 4px 0; padding: 6px 8px; background: rgba(128, 128, 128, .15); color: inherit; overflow-x: auto;
  font: 13px/1.4 ui-monospace, monospace; white-space: pre-wrap; }
& summary { cursor: pointer; }
"""
)


def style_of(selector: str) -> str:
    """The rules for components below elements of a selector, such as `.report`."""
    return STYLE.replace("&", selector * 3)
