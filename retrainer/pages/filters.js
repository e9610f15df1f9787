"use strict";
// Buttons that show and hide items. One value of each filter is on; an item without a filter's name is left alone.
(() => {
  const blocks = [...document.querySelectorAll(".filters")];
  const names = new Set([...document.querySelectorAll("[data-filter]")].map((part) => part.dataset.filter));

  function show(state) {
    const wanted = [...state].filter(([name]) => names.has(name));
    const items = [...document.querySelectorAll("[data-of]")].map((item) => [
      item,
      new URLSearchParams(item.dataset.of),
    ]);
    for (const [item, of] of items) {
      item.hidden = wanted.some(([name, value]) => of.has(name) && !of.getAll(name).includes(value));
    }
    for (const button of document.querySelectorAll("[data-value]")) {
      const name = button.closest("[data-filter]").dataset.filter;
      const on = state.get(name) === button.dataset.value;
      button.setAttribute("aria-pressed", String(on));
      if (on && button.closest("details")) button.closest("details").open = true;
    }
    for (const block of blocks) {
      const own = [...block.querySelectorAll("[data-filter]")].map((part) => part.dataset.filter);
      const its = items.filter(([, of]) => own.some((name) => of.has(name)));
      const seen = its.filter(([item]) => !item.hidden).length;
      const text = seen === its.length ? `all ${its.length} shown` : `${seen} of ${its.length} shown`;
      const line = block.querySelector("[role=status]");
      if (line.textContent !== text) line.textContent = text;
      block.querySelector("[data-all]").hidden = !own.some((name) => state.has(name));
    }
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-value], [data-all]");
    if (!button) return;
    if ("all" in button.dataset) {
      const own = button.closest(".filters").querySelectorAll("[data-filter]");
      retrainer.change(Object.fromEntries([...own].map((part) => [part.dataset.filter, ""])));
      own[0].querySelector("button").focus();
      return;
    }
    const name = button.closest("[data-filter]").dataset.filter;
    const on = button.getAttribute("aria-pressed") === "true";
    retrainer.change({ [name]: on ? "" : button.dataset.value });
  });
  retrainer.listen(show);
})();
