import { join } from "node:path"

/**
 * Exists from when a restore begins to set the former database aside until the new one is complete. It names the former
 * one's folder.
 */
export const markOfSetAside = (dataDir: string): string => join(dataDir, "restore.underway")
