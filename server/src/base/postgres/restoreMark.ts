import { join } from "node:path"

/** There from when a restore begins to set the former database aside until the new one is whole. It names the folder of the former one. */
export const markOfSetAside = (dataDir: string): string => join(dataDir, "restore.underway")
