import { Markup, markup } from "../markup.ts";
import { SCRIPT } from "./script.ts";
import { STYLE } from "./style.ts";

/** A whole page around its parts: one file that asks for no other. */
export function documentOf(title: string, body: Markup): string {
  const document = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${`${title} · progress-hub bench`}</title>
<link rel="icon" href="data:,">
<style>${new Markup(STYLE)}</style>
</head>
<body>
<main>
${body}</main>
<div id="tip" hidden></div>
<script>${new Markup(SCRIPT)}</script>
</body>
</html>
`;
  return document.text;
}
