"use strict";
// The page of findings as a server gives it: loads cards, sends decisions, and tells what other windows decided.
(() => {
  const CARDS_ASK_MS = 20000;
  const POLL_MS = 1000;
  const ACTIONS = { keep: "Keep", relabel: "Relabel", "set aside": "Set aside", "": "Undecided", accept: "Accept" };
  const byId = (id) => document.getElementById(id);
  const cards = byId("cards");
  const names = [...document.querySelectorAll("[data-filter]")].map((part) => part.dataset.filter);
  const unsaved = [];
  let version = 0;
  let loads = 0;
  let waiting = 0;
  let problem = "";
  let shownFor = null;
  let relabelled = null;
  let queue = Promise.resolve();

  // A reload keeps the name, so that what was decided before it can still be undone.
  let own = crypto.randomUUID();
  try {
    own = sessionStorage.getItem("window") || own;
    sessionStorage.setItem("window", own);
  } catch {
    // The browser keeps nothing for pages; only a reload forgets what can be undone.
  }

  const wanted = () => Object.fromEntries([...retrainer.state()].filter(([name]) => names.includes(name)));
  const all = () => [...cards.querySelectorAll(".finding")];
  const current = () => cards.querySelector("[aria-current]");
  const idOf = (card) => card.id.slice(2);

  async function ask(path, body) {
    const sent = { signal: AbortSignal.timeout(CARDS_ASK_MS) };
    if (body) {
      const fields = { ...body, window: own, since: version, filters: wanted() };
      Object.assign(sent, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(fields) });
    }
    let answer;
    try {
      answer = await fetch(path, sent);
    } catch {
      throw new Error("The server does not answer. If it was ended, start it again and open the new address.");
    }
    if (!answer.ok) throw new Error((await answer.text()).trim());
    return answer.json();
  }

  // Shows what changed; an answer that was overtaken by a later one says nothing new.
  function show(state) {
    if (state.version < version) return;
    version = state.version;
    byId("progress").textContent = `${state.decided.toLocaleString("en")} of ${state.total.toLocaleString("en")} decided`;
    byId("bar").max = Math.max(1, state.total);
    byId("bar").value = state.decided;
    const accept = byId("accept-all");
    accept.hidden = !state.accept;
    accept.dataset.count = state.accept;
    const many = `${state.accept.toLocaleString("en")} ${state.accept === 1 ? "suggestion" : "suggestions"}`;
    const copies = wanted().finding === "copy";
    accept.textContent = copies ? `Keep the largest of all copies: accept ${many}` : `Accept ${many}`;
    byId("undo").setAttribute("aria-disabled", String(!state.undo));
    for (const [value, count] of Object.entries(state.counts)) {
      const button = document.querySelector(`[data-filter=decision] [data-value="${CSS.escape(value)}"] b`);
      if (button) button.textContent = count.toLocaleString("en");
    }
    const line = document.querySelector(".filters [role=status]");
    const text = state.shown === state.cards ? `all ${state.cards} shown` : `${state.shown} of ${state.cards} shown`;
    if (line && line.textContent !== text) line.textContent = text;
    for (const [id, told] of Object.entries(state.changed || {})) {
      const card = byId(`f-${id}`);
      if (card) tell(card, told);
    }
    if (state.reload) load({ at: current() ? idOf(current()) : "" });
  }

  function tell(card, told) {
    card.dataset.action = told.action;
    const words = card.querySelector("[data-state] b");
    if (words.textContent !== told.words) words.textContent = told.words;
    for (const button of card.querySelectorAll("[aria-pressed]")) {
      button.setAttribute("aria-pressed", String(button.dataset.act === told.action));
    }
    const note = card.querySelector("[data-note]");
    if (note !== document.activeElement) note.value = told.note;
  }

  async function load({ at = "", after = "", before = "", focus = "" } = {}) {
    const turn = ++loads;
    const query = new URLSearchParams({ ...wanted(), window: own });
    for (const [name, id] of Object.entries({ at, after, before })) if (id) query.set(name, id);
    cards.setAttribute("aria-busy", "true");
    try {
      const answer = await ask(`cards?${query}`);
      if (turn !== loads) return;
      const focused = cards.contains(document.activeElement);
      // A note that is being written is saved before its field is replaced.
      if (focused) document.activeElement.blur();
      cards.innerHTML = answer.html;
      if (!answer.shown) {
        cards.append(paragraph(answer.cards ? "No finding has all of these. Choose other filters." : "Nothing was found."));
      }
      cards.setAttribute("aria-busy", "false");
      byId("earlier").hidden = !answer.earlier;
      byId("later").hidden = !answer.later;
      version = 0;
      show(answer);
      const list = all();
      const there = byId(`f-${at}`);
      if (focus === "last") go(list.at(-1));
      else if (focus || focused) go(there || list[0]);
      else mark(there || list[0]);
      failed("");
    } catch (error) {
      failed(error.message);
    }
  }

  function mark(card) {
    const before = current();
    if (!card || card === before) return;
    if (before) before.removeAttribute("aria-current");
    card.setAttribute("aria-current", "true");
    const next = retrainer.state();
    next.set("at", card.id);
    history.replaceState(null, "", "#" + next);
  }

  function go(card) {
    if (!card) return;
    mark(card);
    card.focus({ preventScroll: true });
    card.scrollIntoView({ block: "nearest" });
  }

  function move(step) {
    const list = all();
    const place = list.indexOf(current());
    const next = list[place < 0 ? 0 : place + step];
    if (next) go(next);
    else if (step > 0 && !byId("later").hidden) load({ after: idOf(list.at(-1)), focus: "first" });
    else if (step < 0 && !byId("earlier").hidden) load({ before: idOf(list[0]), focus: "last" });
    else retrainer.say(step > 0 ? "This is the last finding." : "This is the first finding.");
  }

  // Sends one change after the other, in the order in which they were made.
  function send(path, body, words) {
    waiting += 1;
    const sent = queue.then(async () => {
      try {
        const answer = await ask(path, body);
        show(answer);
        if (answer.said) retrainer.say(answer.said);
        return answer;
      } catch (error) {
        unsaved.push({ path, body, words });
        failed(error.message);
        return null;
      } finally {
        waiting -= 1;
        for (const id of (body && body.ids) || []) byId(`f-${id}`)?.removeAttribute("data-saving");
      }
    });
    queue = sent;
    return sent;
  }

  // A banner says what is wrong, and which decisions are not on the disk.
  function failed(text) {
    problem = text;
    const banner = byId("banner");
    const key = JSON.stringify([problem, unsaved.map((one) => one.words)]);
    if (banner.dataset.key === key) return;
    banner.dataset.key = key;
    banner.hidden = !problem && !unsaved.length;
    banner.replaceChildren();
    if (banner.hidden) return;
    banner.append(paragraph(problem || "The server answers again."));
    if (!unsaved.length) return;
    const many = unsaved.length === 1 ? "This decision is" : `These ${unsaved.length} decisions are`;
    banner.append(paragraph(`${many} not saved:`));
    const list = document.createElement("ul");
    for (const { words } of unsaved) {
      const item = document.createElement("li");
      item.textContent = words;
      list.append(item);
    }
    banner.append(list, button("Save now", again), " ", button("Drop", drop));
  }

  function paragraph(text) {
    const made = document.createElement("p");
    made.textContent = text;
    return made;
  }

  function button(text, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.addEventListener("click", act);
    return made;
  }

  function again() {
    for (const { path, body, words } of unsaved.splice(0)) send(path, body, words);
    queue.then(() => failed(unsaved.length ? problem : ""));
  }

  function drop() {
    unsaved.length = 0;
    failed(problem);
    load({ at: current() ? idOf(current()) : "" });
  }

  function decide(card, action, fields = {}) {
    const words = `${card.dataset.subject}: ${fields.label ? `Relabel to ${fields.label}` : ACTIONS[action]}`;
    card.dataset.saving = "";
    send("decide", { ids: [idOf(card)], action, ...fields }, words);
  }

  function act(card, action, toggles = false) {
    if (!card) return;
    mark(card);
    if ("classOnly" in card.dataset && ["relabel", "set aside"].includes(action)) {
      retrainer.say("A class can only be kept as it is.");
    } else if (action === "accept" && !card.dataset.accept) {
      retrainer.say("This finding has no suggestion.");
    } else if (action === "relabel") {
      choose(card);
    } else if (action === "copies") {
      send("copies", { ids: [idOf(card)] }, `${card.dataset.subject}: set aside all copies`);
    } else if (toggles && card.dataset.action === action) {
      decide(card, "");
    } else {
      decide(card, action);
      move(1);
    }
  }

  async function undo() {
    if (byId("undo").getAttribute("aria-disabled") === "true" && !waiting) {
      retrainer.say("Nothing to undo in this window.");
      return;
    }
    const answer = await send("undo", {}, "Undo");
    if (!answer || !answer.card) return;
    if (byId(`f-${answer.card}`)) go(byId(`f-${answer.card}`));
    else load({ at: answer.card, focus: "at" });
  }

  // The dialog with the classes.
  const field = byId("class-name");
  const options = [...document.querySelectorAll("#classes [role=option]")];
  const seen = () => options.filter((option) => !option.hidden);
  const active = () => options.find((option) => option.getAttribute("aria-selected") === "true");

  function choose(card) {
    relabelled = card;
    byId("relabel-what").textContent = card.dataset.subject;
    field.value = "";
    narrow();
    const suggested = options.find((option) => option.textContent === card.dataset.label);
    byId("relabel").showModal();
    field.focus();
    if (suggested) activate(suggested);
  }

  function narrow() {
    const typed = field.value.trim();
    const letters = typed.toLowerCase();
    const exact = [];
    for (const option of options) {
      const text = option.textContent.toLowerCase();
      option.hidden = !text.includes(letters);
      // Classes may differ in capitals alone.
      if (option.textContent === typed) exact.unshift(option);
      else if (text === letters) exact.push(option);
    }
    byId("no-class").hidden = seen().length > 0;
    activate(exact[0] || seen().find((option) => option.textContent.toLowerCase().startsWith(letters)) || seen()[0]);
  }

  function activate(option) {
    for (const each of options) each.setAttribute("aria-selected", String(each === option));
    if (!option) return field.removeAttribute("aria-activedescendant");
    field.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  function take(option) {
    if (!option) return;
    const card = relabelled;
    relabelled = null;
    byId("relabel").close();
    decide(card, "relabel", { label: option.textContent });
    move(1);
  }

  field.addEventListener("input", narrow);
  field.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      const list = seen();
      activate(list[(list.indexOf(active()) + step + list.length) % list.length]);
    } else if (event.key === "Enter") take(active());
    else return;
    event.preventDefault();
  });
  byId("classes").addEventListener("click", (event) => take(event.target.closest("[role=option]")));
  byId("relabel").addEventListener("close", () => relabelled && go(relabelled));

  function enlarge(picture) {
    const image = byId("large-photo");
    image.src = picture.dataset.large;
    image.alt = picture.querySelector("img")?.alt || "";
    byId("large-what").textContent = image.alt;
    byId("large").showModal();
  }

  function click(event) {
    const target = event.target.closest("button");
    if (!target) return;
    const card = target.closest(".finding");
    if ("close" in target.dataset) target.closest("dialog").close();
    else if ("large" in target.dataset) enlarge(target);
    else if ("act" in target.dataset) act(card, target.dataset.act, true);
    else if (target.id === "undo") undo();
    else if (target.id === "keys") byId("help").showModal();
    else if (target.id === "later") load({ after: idOf(all().at(-1)), focus: "first" });
    else if (target.id === "earlier") load({ before: idOf(all()[0]), focus: "last" });
    else if (target.id === "accept-all") {
      const expected = Number(target.dataset.count);
      send("accept", { expected }, `Accept ${expected} suggestions`);
    } else if ("all" in target.dataset) {
      retrainer.change({ ...Object.fromEntries(names.map((name) => [name, ""])), at: "" });
      document.querySelector("[data-value]").focus();
    } else if ("value" in target.dataset) {
      const pressed = target.getAttribute("aria-pressed") === "true";
      const { filter } = target.closest("[data-filter]").dataset;
      retrainer.change({ [filter]: pressed ? "" : target.dataset.value, at: "" });
    }
  }

  const KEYS = {
    j: () => move(1),
    k: (event) => (event.shiftKey ? act(current(), "keep") : move(-1)),
    r: () => act(current(), "relabel"),
    s: () => act(current(), "set aside"),
    a: () => act(current(), "accept"),
    n: () => current()?.querySelector("[data-note]").focus(),
    u: undo,
    "?": () => byId("help").showModal(),
  };

  function key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const typing = event.target.closest("input, textarea, select");
    if (event.key === "Enter" && event.target.matches("[data-note]")) go(event.target.closest(".finding"));
    if (typing || event.target.closest("dialog") || !byId("keys-on").checked) return;
    const does = KEYS[event.key.toLowerCase()];
    if (!does) return;
    event.preventDefault();
    does(event);
  }

  async function missing(event) {
    const image = event.target;
    if (image.tagName !== "IMG" || !image.src) return;
    const gone = document.createElement("span");
    gone.className = "gone";
    try {
      gone.textContent = (await (await fetch(image.src)).text()).trim().slice(0, 120);
    } catch {
      gone.textContent = "No picture: the server does not answer.";
    }
    if (image.id === "large-photo") byId("large-what").textContent = gone.textContent;
    else image.replaceWith(gone);
  }

  async function poll() {
    if (!waiting) {
      try {
        show(await ask(`changes?${new URLSearchParams({ ...wanted(), window: own, since: version })}`));
        if (problem && !unsaved.length) failed("");
      } catch (error) {
        failed(error.message);
      }
    }
    setTimeout(poll, POLL_MS);
  }

  document.addEventListener("click", click);
  document.addEventListener("keydown", key);
  document.addEventListener("error", missing, true);
  cards.addEventListener("focusin", (event) => mark(event.target.closest(".finding")));
  cards.addEventListener("change", (event) => {
    const card = event.target.closest(".finding");
    const note = event.target.value;
    card.dataset.saving = "";
    send("decide", { ids: [idOf(card)], note }, `${card.dataset.subject}: note '${note}'`);
  });
  addEventListener("beforeunload", (event) => {
    if (waiting || unsaved.length) event.preventDefault();
  });
  retrainer.listen((state) => {
    for (const each of document.querySelectorAll("[data-value]")) {
      const { filter } = each.closest("[data-filter]").dataset;
      each.setAttribute("aria-pressed", String(state.get(filter) === each.dataset.value));
    }
    const everything = document.querySelector("[data-all]");
    if (everything) everything.hidden = !Object.keys(wanted()).length;
    const now = JSON.stringify(wanted());
    if (now === shownFor) return;
    shownFor = now;
    const at = state.get("at") || "";
    load({ at: at.startsWith("f-") ? at.slice(2) : "" });
  });
  // On a narrow screen filters would fill the first screen.
  if (innerWidth < 640 && !Object.keys(wanted()).length) byId("filters").open = false;
  setTimeout(poll, POLL_MS);
})();
