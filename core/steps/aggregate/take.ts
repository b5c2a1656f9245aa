/** What of the past of a channel. */
export const takes = ['last', 'mean', 'std', 'count', 'min', 'max'] as const;
export type Take = (typeof takes)[number];
