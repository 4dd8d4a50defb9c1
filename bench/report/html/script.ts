/** Of the report: the values under the pointer. What it shows is in the plot's text too. */
export const SCRIPT = `
const tip = document.getElementById("tip");
const SVG = "http://www.w3.org/2000/svg";
for (const svg of document.querySelectorAll("svg[data-lines]")) {
  const lines = svg.dataset.lines.split("\\n").map((row) => {
    const [name, ...fields] = row.split("\\t");
    const points = [];
    for (let at = 0; at < fields.length; at += 4) points.push([+fields[at], +fields[at + 1], fields[at + 2], fields[at + 3]]);
    return [name, points];
  });
  const over = document.createElementNS(SVG, "g");
  svg.append(over);
  const shape = (name, attributes) => {
    const element = document.createElementNS(SVG, name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    over.append(element);
  };
  svg.addEventListener("pointermove", (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const near = lines.map(([name, points], index) => {
      const point = points.reduce((best, one) => (Math.abs(one[0] - at.x) < Math.abs(best[0] - at.x) ? one : best));
      return { name, index, point };
    });
    const closest = Math.min(...near.map(({ point }) => Math.abs(point[0] - at.x)));
    const shown = near.filter(({ point }) => Math.abs(point[0] - at.x) < closest + 8);
    over.replaceChildren();
    shape("path", { class: "cursor", d: "M" + shown[0].point[0] + " 18V202" });
    for (const { index, point } of shown) {
      shape("circle", { class: "dot dot-" + (index % 6), cx: point[0], cy: point[1], r: 4 });
    }
    tip.textContent = [shown[0].point[2], ...shown.map(({ name, point }) => name + "  " + point[3])].join("\\n");
    tip.hidden = false;
    const left = event.clientX + 16 + tip.offsetWidth > innerWidth ? event.clientX - 16 - tip.offsetWidth : event.clientX + 16;
    tip.style.left = Math.max(4, left) + "px";
    tip.style.top = Math.max(4, event.clientY - tip.offsetHeight - 12) + "px";
  });
  svg.addEventListener("pointerleave", () => {
    over.replaceChildren();
    tip.hidden = true;
  });
}
`;
