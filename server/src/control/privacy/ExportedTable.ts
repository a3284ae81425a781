/** Rows of a table as they are exported: lines `{"type":…,"data":{…}}`, in the order of the key. */
export interface ExportedTable {
  /** `type` of the line. */
  readonly type: string
  readonly table: string
  /** Column with the owner of a row. @default organization_id */
  readonly of?: string
  /** Together with `of`, the unique key of a row, used for paging. */
  readonly key: ReadonlyArray<{ readonly column: string; readonly as: "text" | "bigint" }>
  /** Members of `data`: SQL expressions over the row `t`. They include no token digest, key, or secret value. */
  readonly fields: Readonly<Record<string, string>>
  /** Does it look up rows that belong to no organization? */
  readonly joinsPeople?: true
  /** Rows per page. @default 500 */
  readonly rows?: number
}

export const text = (column: string) => ({ column, as: "text" as const })
export const number = (column: string) => ({ column, as: "bigint" as const })
