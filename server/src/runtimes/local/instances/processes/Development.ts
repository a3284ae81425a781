/**
 * The part of a developer's own environment that programs which run in place get. Only the process of `maxcloud dev` has one: it serves
 * only the user who started it.
 */
export interface Development {
  /** The PATH of the developer's shell. */
  readonly path: string
  /** The developer's own HOME: tools keep what they need there. undefined: a folder of its own for each instance. */
  readonly home: string | undefined
  /** Variables for programs in this folder, unless the config says others. Asked at each start, and kept nowhere. */
  readonly environment: (directory: string) => Readonly<Record<string, string>>
}
