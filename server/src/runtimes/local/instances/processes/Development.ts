/**
 * The part of a developer's own environment that in-place programs get. Only the process of `maxcloud dev` has one: it serves
 * only the user who started it.
 */
export interface Development {
  /** The PATH of the developer's shell. */
  readonly path: string
  /** The developer's own HOME, where tools keep what they need. undefined: a separate folder for each instance. */
  readonly home: string | undefined
  /** Variables for programs in this folder; the config overrides them. Requested at each start, and never stored. */
  readonly environment: (directory: string) => Readonly<Record<string, string>>
}
