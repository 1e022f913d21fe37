// Keeps a page up to date while it is looked at. Every page works without this file.
"use strict";

(() => {
  const body = document.body;
  const every = Number(body.dataset.every) || 0;
  const stale = document.getElementById("stale");
  const hold = document.getElementById("hold");
  let held = false;
  let failures = 0;
  let lastSeen = Date.now();
  // The hub's clock may differ from this machine's: ages are told by the hub's.
  let hubAhead = 0;

  const main = () => document.getElementById("main");
  const noteClock = () => {
    const now = Number(main() && main().dataset.now);
    if (now) hubAhead = now - Date.now();
  };

  // --- ages -----------------------------------------------------------------------------------
  const span = (ms) => {
    if (ms < 60e3) return `${Math.floor(ms / 1e3)} s`;
    if (ms < 3600e3) return `${Math.floor(ms / 60e3)} min`;
    if (ms < 172800e3) return `${Math.floor(ms / 3600e3)} h`;
    return `${Math.floor(ms / 86400e3)} d`;
  };
  const age = (at) => {
    const ms = Date.now() + hubAhead - at;
    if (ms < -1000) return `in ${span(-ms)}`;
    if (ms < 0) return "now";
    return ms < 2000 ? "just now" : `${span(ms)} ago`;
  };
  const tellAges = () => {
    for (const time of document.querySelectorAll("time[data-at]")) {
      const text = age(Number(time.dataset.at));
      if (time.textContent !== text) time.textContent = text;
    }
  };

  // --- changing only what has changed -----------------------------------------------------------
  // Elements with an id stay the same elements, so that focus, selection and open details survive.
  const same = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && (a.id || "") === (b.id || "");

  const morph = (old, fresh) => {
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
      return;
    }
    for (const { name, value } of [...fresh.attributes]) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    for (const { name } of [...old.attributes]) {
      const byUser = old.nodeName === "DETAILS" && name === "open";
      if (!fresh.hasAttribute(name) && !byUser) old.removeAttribute(name);
    }
    // What somebody is filling in is theirs.
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(old.nodeName)) return;
    const named = new Map();
    for (const child of old.children) if (child.id) named.set(child.id, child);
    let place = old.firstChild;
    for (const wanted of [...fresh.childNodes]) {
      const kept = wanted.id ? named.get(wanted.id) : undefined;
      if (kept && same(kept, wanted)) {
        if (kept === place) place = place.nextSibling;
        else old.insertBefore(kept, place);
        morph(kept, wanted);
      } else if (place && same(place, wanted)) {
        const next = place.nextSibling;
        morph(place, wanted);
        place = next;
      } else {
        old.insertBefore(document.importNode(wanted, true), place);
      }
    }
    while (place) {
      const next = place.nextSibling;
      place.remove();
      place = next;
    }
  };

  // --- fetching again ---------------------------------------------------------------------------
  const busyReading = () => {
    const selection = document.getSelection();
    return selection && !selection.isCollapsed && main().contains(selection.anchorNode);
  };

  const refresh = async () => {
    const ended = new AbortController();
    const limit = setTimeout(() => ended.abort(), 10e3);
    try {
      const answer = await fetch(location.pathname + location.search, {
        headers: { "x-lineshaft-fragment": "1", accept: "text/html" },
        credentials: "same-origin",
        redirect: "manual",
        signal: ended.signal,
      });
      // Logged out, or gone: the page itself knows what to say.
      if (answer.type === "opaqueredirect" || answer.status === 401) return location.reload();
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!busyReading() && !held) {
        for (const id of ["sections", "main"]) {
          const [old, next] = [document.getElementById(id), fresh.getElementById(id)];
          if (old && next) morph(old, next);
        }
        noteClock();
      }
      failures = 0;
      lastSeen = Date.now();
      stale.hidden = true;
    } catch {
      failures += 1;
      if (failures >= 2) {
        stale.textContent = `The hub does not answer. This page shows what was so ${span(Date.now() - lastSeen)} ago; it goes on by itself when the hub is back.`;
        stale.hidden = false;
      }
    } finally {
      clearTimeout(limit);
    }
  };

  let timer = 0;
  const schedule = () => {
    clearTimeout(timer);
    if (!every || document.hidden || held) return;
    timer = setTimeout(async () => {
      await refresh();
      schedule();
    }, Math.min(every * 2 ** Math.min(failures, 4), 15e3));
  };

  if (every) {
    hold.hidden = false;
    hold.addEventListener("click", () => {
      held = !held;
      hold.setAttribute("aria-pressed", String(held));
      hold.textContent = held ? "Held" : "Live";
      if (!held) refresh().then(schedule);
    });
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) clearTimeout(timer);
      else refresh().then(schedule);
    });
  }

  // --- hearing of it at once ------------------------------------------------------------------------
  // Where a page has a pulse, the hub answers as soon as there is something new; the timer above remains for the rest.
  const pulse = body.dataset.pulse;
  const rest = (ms) => new Promise((done) => setTimeout(done, ms));
  const listen = async () => {
    let seen = 0;
    for (;;) {
      if (document.hidden || held) {
        await rest(500);
        continue;
      }
      try {
        const answer = await fetch(`${pulse}?seen=${seen}`, { credentials: "same-origin", redirect: "manual" });
        if (!answer.ok) throw new Error(`status ${answer.status}`);
        const now = Number(await answer.text());
        if (now !== seen) {
          seen = now;
          await refresh();
          // Ten times a second is as often as anybody reads.
          await rest(100);
        }
      } catch {
        await rest(2e3);
      }
    }
  };
  if (pulse) listen();

  // --- keys -------------------------------------------------------------------------------------
  const places = { o: "/", d: "/dead-letters", q: "/quarantine", l: "/deliveries", e: "/events", b: "/books", s: "/systems" };
  let going = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const field = document.getElementById("q");
    if (event.target.closest("input, textarea, select")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (event.key === "/" && field) {
      event.preventDefault();
      field.focus();
      field.select();
    } else if (event.key === "g") {
      going = Date.now();
    } else if (Date.now() - going < 1500 && places[event.key]) {
      location.assign(places[event.key]);
    }
  });

  noteClock();
  setInterval(() => { if (!document.hidden && !held) tellAges(); }, 1000);
  schedule();
})();
