"use strict";
// Draws the state after a step. Everything that it shows is in the JSON element, which `page.py` describes.

const story = JSON.parse(document.getElementById("story").textContent);
const slider = document.getElementById("slider");
const rows = [...document.querySelectorAll("#lanes tbody tr")];
const last = story.steps.length;
const GROUPS = [["Slots", "slot"], ["Blocks and their owners", "blk"], ["Requests", "req"], ["Reads under way", "reader"],
  ["Pass, budget, statistics", ""]];
let shown = -1;

function element(name, text, marks) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (marks) made.className = marks;
  return made;
}

/** The state after step `number`; 0 is before the first. */
function after(number) {
  return number ? story.steps[number - 1] : story.start;
}

/** The owners of a block as chips; a block in use that nobody owns is leaked. */
function owners(where, names) {
  if (!names) return;
  if (!names.length) where.append(element("span", "nobody", "owner nobody"));
  for (const name of names) where.append(element("span", name, "owner"));
}

function meter(where, [enabled, limit, granted, spent]) {
  if (!enabled) return;
  const bar = element("meter");
  bar.max = Math.max(granted, limit, 1);
  bar.value = limit;
  bar.setAttribute("aria-label", `${limit} of ${granted} blocks left, ${spent} written`);
  where.append(bar);
}

/** One thing of the state: its text, what it was before if the step changed it, what the device has if that differs. */
function card(place, number) {
  const name = story.names[place];
  const now = after(number), step = number ? story.steps[number - 1] : null;
  const text = story.texts[now.state[place]];
  const made = element("div", undefined, "card");
  made.dataset.name = name;
  made.append(element("b", name));
  if (step && step.changed.includes(name)) {
    made.classList.add("changed");
    made.append(element("s", story.texts[after(number - 1).state[place]]), document.createElement("br"));
  }
  made.append(element("span", text, "text"));
  if (!/^(empty|free|idle|at rest)/.test(text)) made.classList.add("used");
  if (name.startsWith("blk")) owners(made.appendChild(element("div")), now.owners[name]);
  if (name === "budget") meter(made, now.budget);
  if (number === last && story.device) {
    const found = story.texts[story.device.state[place]];
    if (found !== text) made.append(element("span", `in the device: ${found}`, "wrong"));
  }
  return made;
}

function draw(number) {
  const state = document.getElementById("state");
  const made = [];
  for (const [title, begin] of GROUPS) {
    const places = story.names.map((_name, place) => place).filter((place) => begin
      ? story.names[place].startsWith(`${begin} `)
      : !/^(slot|blk|req|reader) /.test(story.names[place]));
    if (places.length) made.push(element("h3", title), ...places.map((place) => card(place, number)));
  }
  state.replaceChildren(...made);
}

/** Say in a sentence or two what the step is, for those who see the page and those who hear it. */
function say(number) {
  const now = document.getElementById("now");
  now.replaceChildren();
  if (!number) {
    now.append("Before the first step.");
    return;
  }
  const step = story.steps[number - 1];
  now.append(element("b", `Step ${number} of ${last}: ${step.lane}: ${step.text}. `));
  if (step.switch) now.append(element("i", `${step.switch.preempts ? "Preemption" : "Switch"}: ${step.switch.text}. `));
  if (step.does) now.append(`${step.does} `);
  if (step.needs) now.append(`Its guard: ${step.needs} `);
  now.append(step.changed.length ? `Changed: ${step.changed.join(", ")}.` : "Nothing changed.");
  if (number === story.stopped) now.append(element("b", " Here a guard, or the effect, is not as specified.", "failed"));
  if (number === last && story.rule) now.append(element("b", ` Broken: ${story.rule}.`, "failed"));
}

function show(wanted) {
  const number = Math.min(last, Math.max(0, wanted));
  if (number === shown) return;
  shown = number;
  slider.value = number;
  slider.setAttribute("aria-valuetext", number ? `step ${number}: ${story.steps[number - 1].text}` : "before everything");
  rows.forEach((row, place) => {
    row.classList.toggle("later", place >= number);
    if (place === number - 1) row.setAttribute("aria-current", "step");
    else row.removeAttribute("aria-current");
  });
  const row = rows[number - 1];
  if (row) {  // within its own box: the page itself stays where it is
    const box = document.querySelector(".lanes");
    box.scrollTop = row.offsetTop - box.clientHeight / 2;
  }
  say(number);
  draw(number);
}

/** The number of the nearest step after (or before) the present one that follows a switch. */
function switchPoint(direction) {
  for (let number = shown + direction; number >= 1 && number <= last; number += direction)
    if (story.steps[number - 1].switch) return number;
  return shown;
}

const KEYS = {
  ArrowLeft: () => show(shown - 1),
  ArrowRight: () => show(shown + 1),
  Home: () => show(0),
  End: () => show(last),
  n: () => show(switchPoint(1)),
  p: () => show(switchPoint(-1)),
};
const BUTTONS = {first: "Home", back: "ArrowLeft", on: "ArrowRight", last: "End", "previous-switch": "p", "next-switch": "n"};

document.addEventListener("keydown", (event) => {
  const act = KEYS[event.key];
  if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  act();
});
for (const [id, key] of Object.entries(BUTTONS)) document.getElementById(id).addEventListener("click", KEYS[key]);
slider.addEventListener("input", () => show(Number(slider.value)));
rows.forEach((row, place) => row.addEventListener("click", () => show(place + 1)));
for (const link of document.querySelectorAll("button.goto"))
  link.addEventListener("click", () => {
    show(Number(link.dataset.step));
    document.getElementById("now").scrollIntoView({block: "nearest"});
  });
show(story.stopped || last);
