"use strict";
// What all pages share: the state in the URL's fragment, the theme, jumps, copy buttons and the spoken line.
const retrainer = (() => {
  const listeners = [];
  // A fragment without "=" is the id of a place.
  const state = () => new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");

  // Sets values of the state; an empty one is removed. The browser's Back button undoes it.
  function change(values) {
    const next = state();
    for (const [name, value] of Object.entries(values)) {
      if (value) next.set(name, value);
      else next.delete(name);
    }
    if (next.toString() !== state().toString()) history.pushState(null, "", "#" + next);
    refresh();
  }

  // Calls every function given to `listen`, as it does when the state changes.
  function refresh() {
    theme();
    for (const listener of listeners) listener(state());
  }

  function listen(listener) {
    listeners.push(listener);
    listener(state());
  }

  // Lets a screen reader speak a sentence.
  function say(text) {
    document.getElementById("said").textContent = text;
  }

  // Shows the place with an id, opens what it lies in, and moves the focus there.
  function go(id) {
    const place = document.getElementById(id);
    if (!place) return;
    for (let part = place.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
    if (!place.matches("a, button, input, select, summary, [tabindex]")) place.tabIndex = -1;
    place.scrollIntoView();
    place.focus({ preventScroll: true });
  }

  function theme() {
    const wanted = state().get("theme");
    const chosen = ["light", "dark"].includes(wanted) ? wanted : "";
    if (chosen) document.documentElement.dataset.theme = chosen;
    else delete document.documentElement.dataset.theme;
    for (const button of document.querySelectorAll("[data-theme-to]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeTo === chosen));
    }
  }

  async function copy(button) {
    const code = button.parentElement.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
      say("Copied");
      setTimeout(() => (button.textContent = "Copy"), 2000);
    } catch {
      getSelection().selectAllChildren(code);
      say("Selected; copy it with your keyboard");
    }
  }

  // Marks the link to the section that is read: the one that crosses a line near the top of the window.
  function follow() {
    const observer = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) {
          const link = document.querySelector(`nav a[href="#${CSS.escape(target.firstChild.id)}"]`);
          if (!link) continue;
          if (isIntersecting) link.setAttribute("aria-current", "true");
          else link.removeAttribute("aria-current");
          const menu = link.closest("nav");
          if (isIntersecting) menu.scrollLeft = link.offsetLeft - menu.clientWidth / 3;
        }
      },
      { rootMargin: "-20% 0px -79% 0px" },
    );
    for (const section of document.querySelectorAll("main > section")) observer.observe(section);
  }

  function click(event) {
    const link = event.target.closest('a[href^="#"]');
    const button = event.target.closest("[data-theme-to], [data-copy]");
    if (link && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)) {
      event.preventDefault();
      const at = decodeURIComponent(link.hash.slice(1));
      change({ at });
      go(at);
    } else if (button && "themeTo" in button.dataset) change({ theme: button.dataset.themeTo });
    else if (button) copy(button);
  }

  theme();
  addEventListener("popstate", refresh);
  document.addEventListener("click", click);
  document.addEventListener("DOMContentLoaded", () => {
    // What is of no use without scripts is hidden until here.
    for (const part of document.querySelectorAll("[data-script]")) part.hidden = false;
    refresh();
    follow();
    const at = state().get("at");
    if (at) go(at);
  });
  return { state, change, refresh, listen, say, go };
})();
