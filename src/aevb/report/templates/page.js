"use strict";
(() => {
  const $ = (id) => document.getElementById(id), all = (query, root = document) => [...root.querySelectorAll(query)];
  document.documentElement.classList.add("js");
  const table = $("table"), body = table.tBodies[0], heads = all("th", table.tHead);
  let rows = [...body.rows], page = 0, PAGE = 100;
  const chosen = new Map();
  // The number of a text, also as Python writes it.
  const parsed = (text) => Number(text.replace(/^(-?)inf$/, "$1Infinity"));
  // The number of a cell in full; undefined for text.
  const numberOf = ({ dataset, classList, textContent }) => dataset.v ?? (classList.contains("n") && textContent.trim() ? textContent.replaceAll(",", "") : undefined);

  // Filter: chips (any value of a setting, all settings), then text; lines without a visible run are hidden.
  const column = (key) => heads.findIndex((head) => head.dataset.key === key);
  function matching() {
    unknown = [];
    const words = $("filter").value.toLowerCase().split(/\s+/).filter(Boolean).map((word) => condition(word) || ((_, text) => text.includes(word)));
    return rows.filter((row) => {
      for (const [key, values] of chosen) if (!values.has(row.cells[column(key)].textContent.trim())) return false;
      const text = words.length ? row.textContent.toLowerCase() : "";
      return words.every((holds) => holds(row, text));
    });
  }
  // latent_dim=2, lr>0.01, bound>=-100: of the first column whose key or title is the name, or ends in it, or begins with it
  // (of a value: the name of its column in the evaluations, as log_px); else of a setting that is the same in all runs.
  const constants = all("#constant tr").map(({ cells }) => [...cells].map((cell) => cell.textContent.toLowerCase()));
  let unknown = [];
  function condition(word) {
    const [, name, sign, value] = /^([^=<>]+)(<=|>=|=|<|>)(.+)$/.exec(word) || [];
    if (!name) return null;
    const [same, ends, begins] = [(text) => text === name, (text) => text.endsWith(`.${name}`) || text.endsWith(` ${name}`), (text) => text.startsWith(name)];
    const named = (test) => heads.findIndex((head) => [head.dataset.key || "run", head.textContent].some((text) => test(text.toLowerCase())));
    const constant = (...tests) => tests.map((test) => constants.find(([key]) => test(key))).find(Boolean)?.[1];
    const holds = (text, exact) => {
      if (sign === "=") return text === value || (exact !== undefined && parsed(exact) === parsed(value));
      const x = parsed(exact ?? (text || "nan")), y = parsed(value);
      return sign === "<" ? x < y : sign === ">" ? x > y : sign === "<=" ? x <= y : x >= y;
    };
    // The whole name of a setting counts before the beginning of a column's: data=mnist is not of data.targets.
    const fixed = named(same) < 0 ? constant(same) : undefined, at = [same, ends, begins].map(named).find((index) => index >= 0);
    if (fixed === undefined && at !== undefined) return ({ cells }) => holds(cells[at].textContent.trim().toLowerCase(), numberOf(cells[at]));
    const text = fixed ?? constant(ends, begins);
    if (text !== undefined) return () => holds(text, text || undefined);
    // The name of a run may have a sign too; else the page says why no run is left.
    if (!rows.some((row) => row.textContent.toLowerCase().includes(word))) unknown.push(name);
    return null;
  }
  function update() {
    const kept = matching(), visible = new Set(kept.map((row) => row.id.slice(4)));
    const pages = Math.max(1, Math.ceil(kept.length / PAGE));
    page = Math.min(page, pages - 1);
    const onPage = new Set(PAGE < Infinity ? kept.slice(page * PAGE, (page + 1) * PAGE) : kept);
    rows.forEach((row) => { row.hidden = !onPage.has(row); });
    all("#details > details").forEach((item) => { item.hidden = !visible.has(item.id.slice(4)); });
    all("g.line").forEach((line) => line.classList.toggle("off", !line.dataset.runs.split(" ").some((run) => visible.has(run))));
    all("g.line .seed").forEach((seed) => { seed.style.display = visible.has(seed.dataset.run) ? "" : "none"; });
    isolate();
    $("shown").textContent = `${kept.length} of ${rows.length} runs${unknown.length ? `: no column ${unknown.join(", ")}` : ""}`;
    $("pager").hidden = pages < 2;
    $("page").textContent = `page ${page + 1} of ${pages}`;
    if ($("clear")) $("clear").hidden = !chosen.size;
  }
  all(".chip").forEach((chip) => chip.addEventListener("click", () => {
    const { key, value } = chip.dataset, values = chosen.get(key) || new Set(), on = !values.has(value);
    if (on) values.add(value); else values.delete(value);
    if (values.size) chosen.set(key, values); else chosen.delete(key);
    chip.setAttribute("aria-pressed", on);
    page = 0; update();
  }));
  $("clear")?.addEventListener("click", () => {
    chosen.clear(); all(".chip").forEach((chip) => chip.setAttribute("aria-pressed", false)); update();
  });
  // On paper there are no pages to turn.
  addEventListener("beforeprint", () => { PAGE = Infinity; page = 0; update(); });
  addEventListener("afterprint", () => { PAGE = 100; update(); });
  $("filter").addEventListener("input", () => { page = 0; update(); });
  $("previous").addEventListener("click", () => { page = Math.max(0, page - 1); update(); });
  $("next").addEventListener("click", () => { page += 1; update(); });
  $("extra").addEventListener("change", (event) => table.classList.toggle("all", event.target.checked));

  // Sort: a button in every head; numbers by their full value, before text in natural order (z2 before z10), empty cells last, stable.
  const collator = new Intl.Collator("en", { numeric: true });
  all("table.sortable").forEach((sorted) => all("th", sorted.tHead).forEach((head, i) => {
    const button = document.createElement("button");
    button.type = "button"; button.textContent = head.textContent; head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending", sign = down ? -1 : 1;
      all("th", sorted.tHead).forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => {
        const v = numberOf(row.cells[i]), text = v ?? row.cells[i].textContent.trim(), x = parsed(text);
        return v === "nan" ? "" : text === "" || Number.isNaN(x) ? text : x;
      };
      const isText = (a) => typeof a === "string";
      const order = [...sorted.tBodies[0].rows].map((row) => [key(row), row]).sort(([a], [b]) => (a === "") - (b === "") ||
        sign * (isText(a) - isText(b) || (isText(a) ? collator.compare(a, b) : (a > b) - (a < b))));
      sorted.tBodies[0].append(...order.map(([, row]) => row));
      if (sorted === table) { rows = order.map(([, row]) => row); page = 0; update(); }
    });
  }));

  // Legends: click to see one line alone, in every chart that has it; the other charts stay as they are.
  function isolate() {
    all(".charts figure").forEach((figure) => {
      const on = new Set(all(".key[aria-pressed=true]", figure).map((key) => key.dataset.line));
      all("g.line", figure).forEach((line) => {
        const hidden = line.classList.contains("off") || (on.size && !on.has(line.dataset.line));
        line.style.display = hidden ? "none" : "";
      });
    });
  }
  all(".key").forEach((key) => key.addEventListener("click", () => {
    const on = key.getAttribute("aria-pressed") !== "true";
    all(`.key[data-line="${key.dataset.line}"]`).forEach((same) => same.setAttribute("aria-pressed", on));
    isolate();
  }));
  const stylesOf = (figure) => all(".key", figure).map((key) => [key.textContent.trim(), key.querySelector("svg").classList[2], key.dataset.line]);

  // Under the pointer: the means of the lines in view at the nearest evaluation point, from the table below the chart.
  const tip = document.createElement("div"), guide = document.createElementNS("http://www.w3.org/2000/svg", "path");
  tip.id = "tip"; tip.hidden = true; tip.setAttribute("aria-hidden", "true"); guide.setAttribute("class", "grid"); document.body.append(tip);
  const pointsOf = (figure) => {
    const points = new Map();
    let line = "";
    all("tbody tr", figure).forEach(({ cells }) => {
      const first = cells[0].tagName === "TH" ? 1 : 0;
      if (first) line = cells[0].textContent;
      const seen = Number(cells[first].textContent.replaceAll(",", "")), mean = cells[first + 2].textContent.trim();
      if (!points.has(seen)) points.set(seen, []);
      points.get(seen).push([line, mean, Number(cells[first + 1].textContent)]);
    });
    return points;
  };
  all("figure svg.chart[data-plot]").forEach((chart) => {
    const [left, right, from, to] = chart.dataset.plot.split(" ").map(Number), close = () => { tip.hidden = true; guide.remove(); };
    let points = null, styles;
    chart.addEventListener("pointermove", (event) => {
      if (!points) { points = pointsOf(chart.closest("figure")); styles = new Map(stylesOf(chart.closest("figure"))); }
      const box = chart.getBoundingClientRect(), scale = chart.viewBox.baseVal.width / box.width;
      const at = Math.log(from) + ((event.clientX - box.left) * scale - left) / (right - left) * Math.log(to / from);
      const absent = new Set(stylesOf(chart.closest("figure")).filter(([, , line]) =>
        all(`g.line[data-line="${line}"]`, chart).every((group) => group.style.display === "none")).map(([label]) => label));
      const inView = new Map([...points].map(([seen, lines]) => [seen, lines.filter(([label]) => !absent.has(label.trim()))]).filter(([, lines]) => lines.length));
      const seen = [...inView.keys()].reduce((a, b) => (Math.abs(Math.log(b) - at) < Math.abs(Math.log(a) - at) ? b : a), Infinity);
      if (!Number.isFinite(seen)) return close();
      const x = left + (right - left) * Math.log(seen / from) / Math.log(to / from);
      guide.setAttribute("d", `M${x} 8V${chart.viewBox.baseVal.height - 34}`); chart.append(guide);
      const lines = inView.get(seen).sort((a, b) => Number(b[1].replace("−", "-")) - Number(a[1].replace("−", "-")));
      tip.replaceChildren(`${seen.toLocaleString("en")} samples`, ...lines.map(([label, mean, n]) => {
        const row = document.createElement("div");
        row.className = styles.get(label.trim()) || ""; row.textContent = `${mean}  ${label}${n > 1 ? `, ${n} seeds` : ""}`;
        return row;
      }));
      tip.hidden = false;
      tip.style.left = `${Math.max(4, Math.min(event.pageX + 14, scrollX + document.documentElement.clientWidth - tip.offsetWidth - 8))}px`;
      const below = event.clientY + 16 + tip.offsetHeight < document.documentElement.clientHeight;
      tip.style.top = `${below ? event.pageY + 16 : Math.max(scrollY + 4, event.pageY - tip.offsetHeight - 12)}px`;
    });
    chart.addEventListener("pointerleave", close);
  });

  // Open the details that a link points at.
  const open = () => { const target = location.hash.startsWith("#run-") && $(location.hash.slice(1)); if (target) target.open = true; };
  addEventListener("hashchange", open); open();

  // Save a chart with the colours it has now, on their background, with its title and the names of its lines.
  function named(copy, figure) {
    const add = (parent, name, attributes, text = "") => {
      const made = document.createElementNS("http://www.w3.org/2000/svg", name);
      Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
      made.textContent = text;
      return parent.appendChild(made);
    };
    const shown = new Set(all("g.line", copy).filter((line) => line.style.display !== "none").map((line) => line.dataset.line));
    const lines = stylesOf(figure).filter(([, , line]) => shown.has(line));
    const papers = all("path.paper", copy).map((line) => [line.textContent, line.getAttribute("class")]);
    const rows = [...lines, ...papers];
    let { width, height: y } = copy.viewBox.baseVal;
    const title = copy.querySelector("title").textContent;
    width = Math.max(width, ...[title, ...rows.map(([label]) => `${label}       `)].map((text) => 20 + 6.6 * text.length));
    rows.forEach(([label, kind]) => {
      const isPaper = kind.startsWith("paper"), group = add(copy, "g", { class: isPaper ? "" : `line ${kind}` });
      add(group, "path", { d: `M10 ${y + 6}h26`, class: isPaper ? kind : "mean main" });
      add(group, "text", { x: 42, y: y + 10 }, label);
      y += 16;
    });
    add(copy, "text", { x: 10, y: -8 }, title);
    copy.setAttribute("viewBox", `0 -22 ${width} ${y + 26}`);
    const back = add(copy, "rect", { x: 0, y: -22, width, height: y + 26, class: "back" });
    copy.prepend(back);
  }
  all(".save").forEach((button) => button.addEventListener("click", () => {
    const svg = button.parentElement.querySelector("svg.chart"), copy = svg.cloneNode(true), style = getComputedStyle(document.documentElement);
    const css = document.querySelector("style").textContent.split("/* chart */")[1].split("/* end of chart */")[0];
    const sheet = document.createElementNS("http://www.w3.org/2000/svg", "style");
    const band = (document.querySelector("[name=band]:checked")?.id ?? "band-range").replace("band", ".b");
    sheet.textContent = css.replace(/var\((--\w+)\)/g, (_, name) => style.getPropertyValue(name)) +
      `.band{display:none}${band}{display:inline}.back{fill:${style.getPropertyValue("--bg")}}`;
    named(copy, button.parentElement);
    copy.prepend(sheet); copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    const link = document.createElement("a");
    link.href = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(new XMLSerializer().serializeToString(copy));
    link.download = `${svg.id}.svg`; link.click();
  }));

  // A packed download is unpacked by the browser, where it can do that.
  if ("DecompressionStream" in window) all("#downloads a[download$='.gz']").forEach((link) => link.addEventListener("click", async (event) => {
    event.preventDefault();
    const bytes = Uint8Array.from(atob(link.href.split(",")[1]), (letter) => letter.charCodeAt(0));
    const text = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).blob();
    const file = document.createElement("a");
    file.href = URL.createObjectURL(text); file.download = link.download.slice(0, -3); file.click();
    setTimeout(() => URL.revokeObjectURL(file.href), 60000);
  }));

  // Difference of two runs, from the cells of the table.
  const selects = [$("run-a"), $("run-b")], byIndex = new Map(rows.map((row) => [row.id.slice(4), row]));
  selects.forEach((select, at) => {
    byIndex.forEach((row, index) => select.add(new Option(row.cells[0].textContent.trim(), index)));
    select.selectedIndex = Math.min(at, rows.length - 1);
    select.addEventListener("change", compare);
  });
  // A difference with as many decimals as the two values are shown with, or three digits where rounding would lose it.
  function asShown(by, texts) {
    const decimals = texts.map((text) => (text.match(/\.(\d+)/) || ["", ""])[1].length);
    const digits = Math.min(6, Math.max(...decimals)), fixed = by.toFixed(digits), isGrouped = texts.some((text) => text.includes(","));
    const text = isGrouped ? Number(fixed).toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }) : fixed;
    return Math.abs(fixed - by) <= 0.01 * Math.abs(by) ? text : by.toPrecision(3);
  }
  function compare() {
    const [a, b] = selects.map((select) => byIndex.get(select.value)), out = $("compared");
    const lines = heads.map((head, i) => {
      const [left, right] = [a.cells[i], b.cells[i]], [x, y] = [left, right].map(numberOf);
      if (left.textContent === right.textContent && x === y) return null;
      const both = x !== undefined && y !== undefined, error = Math.hypot(left.dataset.e, right.dataset.e);
      const by = both ? parsed(y) - parsed(x) : NaN, plus = by > 0 ? "+" : "";
      const gap = both ? `${plus}${asShown(by, [left.textContent, right.textContent])}` : "";
      return [head.textContent, left.textContent, right.textContent, error > 0 && both ? `${gap} = ${plus}${(by / error).toFixed(2)} standard errors` : gap];
    }).filter((line) => line && line[0] !== "run");
    const shown = lines.length ? lines : [["nothing", "", "", ""]];
    out.querySelector("tbody").replaceChildren(...shown.map((line) => {
      const row = document.createElement("tr");
      line.forEach((text) => { row.insertCell().textContent = text.trim(); });
      return row;
    }));
    out.hidden = false;
  }
  if (rows.length > 1) compare();

  // What is chosen stands in this entry of the browser's history: it is there after a reload, as of a report that was written anew.
  function remember() {
    const head = table.querySelector("th[aria-sort]"), chips = [...chosen].flatMap(([key, values]) => [...values].map((value) => [key, value]));
    const lines = [...new Set(all(".key[aria-pressed=true]").map((key) => key.dataset.line))];
    const sorted = head && [head.dataset.key ?? "", head.getAttribute("aria-sort")];
    const state = { checked: all("input:checked").map(({ id }) => id), filter: $("filter").value, page, chips, lines, sorted };
    try { history.replaceState(state, ""); } catch { /* a browser that allows no more changes for now */ }
  }
  function restore({ checked, filter, page: last, chips, lines, sorted }) {
    checked.forEach((id) => { if ($(id)?.checked === false) $(id).click(); });
    $("filter").value = filter;
    all(".chip").filter(({ dataset }) => chips.some(([key, value]) => dataset.key === key && dataset.value === value)).forEach((chip) => chip.click());
    lines.forEach((line) => document.querySelector(`.key[data-line="${line}"]`)?.click());
    const button = sorted && heads.find((head) => (head.dataset.key ?? "") === sorted[0])?.querySelector("button");
    for (let clicks = sorted?.[1] === "descending" ? 2 : 1; button && clicks; clicks--) button.click();
    page = last;
  }
  if (history.state?.checked) restore(history.state);
  ["click", "input", "hashchange"].forEach((event) => addEventListener(event, remember));
  update();
})();
