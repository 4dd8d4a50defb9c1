import type { ReactElement } from "react";

const WIDTH = 120;
const HEIGHT = 28;

/** The shape of a number's last minutes, from zero up; what it is says the number beside it. null: a gap. */
export function Spark({ values }: { readonly values: readonly (number | null)[] }): ReactElement {
  return (
    <svg className="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <path d={pathOf(values)} />
    </svg>
  );
}

/** As an SVG path: a line through the values, broken where there is none. */
function pathOf(values: readonly (number | null)[]): string {
  const top = Math.max(...values.map((value) => value ?? 0), Number.MIN_VALUE);
  const dx = WIDTH / Math.max(1, values.length - 1);
  let isDown = false;
  return values
    .map((value, index) => {
      const command = isDown ? "L" : "M";
      isDown = value !== null;
      if (value === null) return "";
      const y = HEIGHT - 1.5 - (value / top) * (HEIGHT - 3);
      return `${command}${(index * dx).toFixed(1)} ${y.toFixed(1)}`;
    })
    .join("");
}
