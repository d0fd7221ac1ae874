// The page after a stop of the simulator: a bug of ours. It depends on nothing that could have stopped: no wasm, no framework.

const KEY = "mapscope.session";

function stored() {
  try {
    const text = JSON.parse(localStorage.getItem(KEY));
    return text ? { text, session: JSON.parse(text) } : null;
  } catch (unreadable) {
    return null;
  }
}

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

function button(text, isFirst, work) {
  const made = element("button", isFirst ? "btn pri" : "btn", text);
  made.type = "button";
  made.addEventListener("click", work);
  return made;
}

function download(text) {
  const link = element("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = "session.mapscope.json";
  link.click();
  URL.revokeObjectURL(link.href);
}

// The same session without its last step, the cursor before it.
function oneStepBefore(session) {
  const steps = session.steps.slice(0, -1);
  const there = (step) => step <= steps.length;
  const parent = session.steps.length ? session.steps[session.steps.length - 1].parent : 0;
  const kept = (map) => Object.fromEntries(Object.entries(map ?? {}).filter(([step]) => there(Number(step))));
  const branches = Object.fromEntries(Object.entries(session.branches ?? {}).filter(([, step]) => there(step)));
  return {
    ...session,
    steps,
    cursor: parent,
    tip: parent,
    branches,
    marks: (session.marks ?? []).filter(there),
    captions: kept(session.captions),
    verdicts: kept(session.verdicts),
  };
}

function reload(session) {
  if (session) localStorage.setItem(KEY, JSON.stringify(JSON.stringify(session)));
  else localStorage.removeItem(KEY);
  location.reload();
}

export function showRecovery(reason) {
  const kept = stored();
  const count = kept ? kept.session.steps.length : 0;
  const card = element("div", "rcard");
  const inside = element("div", "in");
  inside.append(element("div", "brand", "mapscope"));
  inside.append(element("h1", "", count ? `The simulator stopped. Your ${count} steps are safe.` : "The simulator stopped."));
  inside.append(element("p", "", "This is a bug of ours, not a panic of the simulated kernel. The list of operations is kept in this browser and does not depend on the part that failed."));
  const buttons = element("div", "btns");
  if (kept) buttons.append(button("Download session", true, () => download(kept.text)));
  if (count) buttons.append(button(`Reload at step ${count - 1}`, false, () => reload(oneStepBefore(kept.session))));
  buttons.append(button("Start empty", false, () => reload(null)));
  inside.append(buttons);
  const report = element("div", "report");
  const head = element("div", "rh");
  head.append(element("span", "", "What to send with a report"));
  head.append(Object.assign(button("copy", false, () => navigator.clipboard.writeText(reason)), { className: "lnkbtn" }));
  report.append(head, element("pre", "", reason));
  inside.append(report);
  const left = count ? `Step ${count} is left out when you reload; it stays in the downloaded file.` : "Reload to go on.";
  card.append(inside, element("div", "rf", `Nothing was sent anywhere. ${left}`));
  const main = element("main", "recovery");
  main.append(card);
  document.body.replaceChildren(main);
  buttons.querySelector("button").focus();
}
