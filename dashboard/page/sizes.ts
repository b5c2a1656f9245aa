/** Sizes that the server reserves in the page and the page's script fills. */

/** Up to so many fields each have a bar, in their own order; of more, those with the most gaps do. */
export const mostBars = 10;
export const barsOfMany = 7;
/** Of more fields than these the map is bounded in height and scrolls. */
export const mostSquares = 300;
