// Draws every chart into its place, in the colours of the page; again when the browser turns dark or light.
const specs = JSON.parse(document.getElementById("specs").textContent);
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();

function config() {
  const font = getComputedStyle(document.body).fontFamily;
  const quiet = { labelColor: color("quiet"), labelFont: font, labelFontSize: 12 };
  return {
    background: null, font, padding: 0, view: { stroke: null },
    axis: { ...quiet, gridColor: color("line"), domainColor: color("line"), tickColor: color("line"), labelPadding: 6 },
    legend: { ...quiet, labelFontSize: 13, padding: 0, offset: 8 },
    range: { category: [color("pace"), color("dead")] },
    style: {
      name: { color: color("ink"), fontSize: 13.5 },
      number: { color: color("quiet"), fontSize: 13 },
      revenue: { color: color("revenue") },
      sessions: { color: color("sessions") },
      dead: { color: color("dead") },
      pace: { color: color("pace") },
    },
  };
}

async function draw() {
  for (const [id, spec] of Object.entries(specs)) {
    const options = { actions: false, renderer: "svg", ast: true, config: config(), tooltip: { theme: "custom" } };
    await vegaEmbed("#" + id, spec, options);
  }
  document.documentElement.dataset.drawn = Object.keys(specs).length;
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
draw();
