/** Rows of a table as they are exported: lines `{"type":…,"data":{…}}`, in the order of the key. */
export interface ExportedTable {
  /** `type` of the line. */
  readonly type: string
  readonly table: string
  /** Column with the owner of a row. @default organization_id */
  readonly of?: string
  /** With `of`, what names a row: by it the next page is found. */
  readonly key: ReadonlyArray<{ readonly column: string; readonly as: "text" | "bigint" }>
  /** Members of `data`: SQL expressions over the row `t`. No digest of a token, no key, no value of a secret is among them. */
  readonly fields: Readonly<Record<string, string>>
  /** Are rows looked up that belong to no organization? */
  readonly joinsPeople?: true
  /** Rows of a page. @default 500 */
  readonly rows?: number
}

export const text = (column: string) => ({ column, as: "text" as const })
export const number = (column: string) => ({ column, as: "bigint" as const })
