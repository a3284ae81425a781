import { Context } from "effect"

/** The problem with the disk, for a request that fails because of it somewhere below: `undefined` if none is known. */
export class DiskTrouble extends Context.Reference<DiskTrouble>()("@maxcloud/server/DiskTrouble", {
  defaultValue: (): (() => string | undefined) => () => undefined
}) {}
