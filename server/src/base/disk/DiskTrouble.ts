import { Context } from "effect"

/** The disk problem behind a failed request: `undefined` if none is known. */
export class DiskTrouble extends Context.Reference<DiskTrouble>()("@maxcloud/server/DiskTrouble", {
  defaultValue: (): (() => string | undefined) => () => undefined
}) {}
