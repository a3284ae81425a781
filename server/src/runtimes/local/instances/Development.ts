/**
 * What programs that run in place get of a developer's own environment. Only the process of `maxcloud dev` has one: it serves the user who
 * started it and nobody else.
 */
export interface Development {
  /** The PATH of the developer's shell. */
  readonly path: string
  /** The developer's own HOME: tools keep what they need there. undefined: a folder of its own for each instance. */
  readonly home: string | undefined
  /** Variables for programs in this folder, unless the config says others. Asked at each start, and kept nowhere. */
  readonly environment: (directory: string) => Readonly<Record<string, string>>
}
