export interface ServerAuditPage {
  /** The maximum number of entries. @default 100 */
  readonly limit?: number | undefined
  /** Only entries before this one. */
  readonly before?: number | undefined
  /** Only this operation. */
  readonly action?: string | undefined
}
