import { Context } from "effect"

/** What is wrong with the disk, for a request that fails because of it somewhere below: `undefined` if nothing is known. */
export class DiskTrouble extends Context.Reference<DiskTrouble>()("@maxcloud/server/DiskTrouble", {
  defaultValue: (): (() => string | undefined) => () => undefined
}) {}
