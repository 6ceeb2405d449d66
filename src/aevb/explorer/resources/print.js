"use strict";
// Colours of the canvases: of the screen's scheme, and the light ones on paper, whatever the scheme.

function redrawColours() {
  colours.clear();
  update({}, "theme");
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawColours);

for (const [event, onPaper] of [["beforeprint", true], ["afterprint", false]]) {
  window.addEventListener(event, () => {
    document.documentElement.toggleAttribute("data-print", onPaper);
    redrawColours();
    redrawAll(); // the next frame would come after the print
  });
}
