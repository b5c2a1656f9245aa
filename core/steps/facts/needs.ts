/** What a row needs of one kind of fact. */
export interface FactNeed {
  readonly kind: string;
  /** The values that are joined; none of a gate. */
  readonly values: readonly string[];
  readonly isRequired: boolean;
  readonly latenessNs: number;
}

/** What the rows of a chain need of facts, by step, in order. */
export interface FactNeeds {
  readonly needs: readonly FactNeed[];
  /** Columns of the rows that come. */
  readonly width: number;
  /** Names of the columns that are added. */
  readonly added: readonly string[];
}
