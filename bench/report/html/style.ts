/** Of the report. Both schemes have the same names; a contrast of at least 4.5 for all text (WCAG 2.2, 1.4.3). */
export const STYLE = `
:root{color-scheme:light dark;--page:#f4f5f7;--card:#fff;--ink:#171b21;--soft:#59616d;--rule:#e3e6ea;--grid:#eceef1;
--green:#15703f;--green-bg:#e5f4eb;--red:#bd1f2a;--red-bg:#fdeaea;--amber:#8a5a00;--amber-bg:#fdf2d9;--gray:#59616d;--gray-bg:#eceef1;
--counts:#f5f8fd;--tone-0:#2563c9;--tone-1:#c2570c;--tone-2:#0b7f74;--tone-3:#7a45c9;--tone-4:#b3306f;--tone-5:#5a6472}
@media (prefers-color-scheme:dark){:root{--page:#0e1116;--card:#171b22;--ink:#e8ebf0;--soft:#9aa4b2;--rule:#2a303a;--grid:#232932;
--green:#5fd394;--green-bg:#12301f;--red:#ff8a8a;--red-bg:#3b1719;--amber:#efbd5a;--amber-bg:#35280d;--gray:#9aa4b2;--gray-bg:#232932;
--counts:#1b212b;--tone-0:#74a8ff;--tone-1:#ffa15c;--tone-2:#4fd1c1;--tone-3:#bb9bff;--tone-4:#ff8dbf;--tone-5:#a7b1be}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1200px;margin:0 auto;padding:28px 20px 48px;display:grid;grid-template-columns:minmax(0,1fr);gap:20px}
h1,h2,h4,p,ul,dl,dd,figure{margin:0;padding:0}
ul{list-style:none}
a{color:inherit;text-underline-offset:3px;text-decoration-color:var(--soft)}
small{font-size:.8em;font-weight:400;color:var(--soft)}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.card,.hero{background:var(--card);border:1px solid var(--rule);border-radius:14px;padding:24px}
.hero{border-top:6px solid var(--gray);padding:26px 28px 28px}
.hero.passed{border-top-color:var(--green)}.hero.failed{border-top-color:var(--red)}.hero.inconclusive{border-top-color:var(--amber)}
.brand{color:var(--soft);font-weight:600}.brand span{font-weight:400;margin-left:10px}
h1{font-size:34px;line-height:1.2;letter-spacing:-.02em;font-weight:700;margin-top:10px;display:flex;gap:14px;align-items:flex-start}
h1 .mark{width:42px;height:42px;font-size:24px}
.open{margin-top:18px;display:grid;gap:8px}.open li{display:flex;gap:10px}
.mark{display:inline-grid;place-items:center;flex:none;width:24px;height:24px;border-radius:50%;font-size:14px;font-weight:700;line-height:1;background:var(--gray-bg);color:var(--gray)}
.passed.mark,.passed.chip{background:var(--green-bg);color:var(--green)}
.failed.mark,.failed.chip{background:var(--red-bg);color:var(--red)}
.inconclusive.mark,.inconclusive.chip{background:var(--amber-bg);color:var(--amber)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(200px,1fr));gap:14px}
.tiles>div{background:var(--card);border:1px solid var(--rule);border-radius:14px;padding:16px 20px}
.tiles dt{color:var(--soft)}.tiles dd{font-size:27px;font-weight:650;letter-spacing:-.02em;line-height:1.25}
.tiles dd.from{font-size:13px;font-weight:400;letter-spacing:0;color:var(--soft);line-height:1.5}
.card>header{display:flex;gap:14px}.card>header .mark{width:32px;height:32px;font-size:18px}
h2{font-size:22px;line-height:1.3;letter-spacing:-.01em}h2 small{margin-left:6px}
header p{color:var(--soft)}
.facts{display:flex;flex-wrap:wrap;gap:6px 18px;margin:12px 0 0 46px;color:var(--soft);font-size:14px}
.reason{margin-top:14px;padding:10px 14px;border-radius:8px;background:var(--gray-bg);color:var(--gray)}
.reason.failed{background:var(--red-bg);color:var(--red)}.reason.inconclusive{background:var(--amber-bg);color:var(--amber)}
.note{margin-top:14px;color:var(--soft);border-left:3px solid var(--rule);padding-left:12px}
.scroll{overflow-x:auto;margin-top:18px}.overview .scroll{margin:-6px 0}
table{border-collapse:collapse;width:100%}
th,td{padding:7px 10px;text-align:right;border-bottom:1px solid var(--rule);font-weight:400;white-space:nowrap}
thead th{color:var(--soft);font-size:13px;vertical-align:bottom}
tbody th{font-weight:500}th:first-child,td:first-child,.overview th:nth-child(2),.text{text-align:left}
th:first-child,td:first-child{padding-left:0}th:last-child,td:last-child{padding-right:0}
tbody tr:last-child>*{border-bottom:0}
.overview td:first-child{width:34px}td.none{color:var(--soft)}td.text{color:var(--soft)}
.strong{font-weight:650}td.red{color:var(--red);font-weight:650}td.red small{color:inherit}
.gates{padding-left:22px}
.chip{display:inline-block;border-radius:99px;padding:1px 10px;font-size:13px;white-space:nowrap;background:var(--gray-bg);color:var(--gray)}
.chip+.chip{margin-left:6px}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,430px),1fr));gap:0 40px;margin-top:16px;border-top:1px solid var(--rule)}
.figures li{display:flex;align-items:baseline;flex-wrap:wrap;justify-content:flex-end;gap:10px;padding:7px 0;border-bottom:1px solid var(--rule)}
.figures span:first-child{flex:1;color:var(--soft)}.figures b{font-weight:600;white-space:nowrap}
.figures .red b{color:var(--red)}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,470px),1fr));gap:30px 36px;margin-top:28px}
h4{font-size:15px;font-weight:600}h4 small{margin-left:8px}
.legend{display:flex;flex-wrap:wrap;gap:2px 16px;font-size:13px;color:var(--soft);min-height:20px}
.legend li{display:flex;align-items:center;gap:6px}.legend b{color:var(--ink);font-weight:600}
.key{width:26px;height:8px}
.plot>svg{display:block;width:100%;height:auto;margin-top:6px;touch-action:pan-y}
.plot>svg text{font-size:11.5px;fill:var(--soft)}
.plot .text{font-size:13px;color:var(--soft);margin-top:4px}
svg .grid{stroke:var(--grid);stroke-width:1;fill:none}
svg .counts{fill:var(--counts)}
.line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.tone-0{stroke:var(--tone-0)}.tone-1{stroke:var(--tone-1);stroke-dasharray:7 4}.tone-2{stroke:var(--tone-2);stroke-dasharray:2 4}
.tone-3{stroke:var(--tone-3);stroke-dasharray:10 3 2 3}.tone-4{stroke:var(--tone-4);stroke-dasharray:12 5}.tone-5{stroke:var(--tone-5);stroke-dasharray:4 3}
svg .limit{stroke:var(--red);stroke-width:1.4;fill:none}
.plot>svg text.limit-text{fill:var(--red);font-weight:600}
svg .cursor{stroke:var(--soft);stroke-width:1;fill:none}
svg .dot{stroke:var(--card);stroke-width:1.5}
.dot-0{fill:var(--tone-0)}.dot-1{fill:var(--tone-1)}.dot-2{fill:var(--tone-2)}.dot-3{fill:var(--tone-3)}.dot-4{fill:var(--tone-4)}.dot-5{fill:var(--tone-5)}
#tip{position:fixed;z-index:1;pointer-events:none;background:var(--ink);color:var(--page);border-radius:8px;padding:6px 10px;font-size:13px;line-height:1.45;white-space:pre;box-shadow:0 4px 14px #0003}
.stages{margin-top:30px}.stages table{margin-top:6px}
.stages td,.stages th{padding:5px 10px}.stages th:first-child{width:1%;text-align:left;padding-left:0}
.stages td:last-child,.stages th:last-child{padding-right:0}.stages td:not(.bar){width:1%}.bar svg{display:block;width:100%;height:12px;border-radius:3px}
.bar .p99{fill:var(--tone-0);opacity:.3}.bar .p50{fill:var(--tone-0)}
.swatch{display:inline-block;width:10px;height:10px;border-radius:2px;background:var(--tone-0);margin-right:6px}.swatch.p99{opacity:.3}
footer dl{display:grid;gap:6px}footer dl>div{display:grid;grid-template-columns:90px 1fr}footer dt{color:var(--soft)}
footer p{margin-top:14px;color:var(--soft);font-size:14px}
code{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;background:var(--gray-bg);border-radius:5px;padding:2px 7px;overflow-wrap:anywhere}
@media (max-width:640px){main{padding:12px 10px 32px;gap:12px}.card,.hero{padding:18px 16px}h1{font-size:25px;gap:10px}h1 .mark{width:32px;height:32px;font-size:18px}
.wide{display:none}.overview td:nth-last-child(2),.overview th:nth-last-child(2){padding-right:0}.facts{margin-left:0}.tiles{grid-template-columns:1fr 1fr;gap:10px}.tiles>div{padding:12px 14px}.tiles dd{font-size:21px}
th,td{padding:7px 6px}.gates{padding-left:8px}.plot>svg text{font-size:17px}.plot>svg text.band{display:none}
.overview th small{display:block}.overview td small{display:none}.overview tbody th,.trends tbody th{white-space:normal}footer dl>div{grid-template-columns:1fr}}
@media print{body{background:#fff}.card,.hero,.tiles>div,.plot{break-inside:avoid}}
`;
