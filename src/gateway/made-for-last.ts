/**
 * What a transport makes of a group, made for the first connection that is sent it: for all others it is there already,
 * since a group goes to all of them before the next. Only the last is kept: a table of all would cost as much as it saves.
 */
export function madeForLast<From extends object, Made>(make: (from: From) => Made): (from: From) => Made {
  let last: { readonly from: From; readonly made: Made } | null = null;
  return (from) => {
    if (last?.from === from) return last.made;
    const made = make(from);
    last = { from, made };
    return made;
  };
}
