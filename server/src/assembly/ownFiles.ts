import type { OwnFile } from "../base/database/serverLock.ts"
import type { ServerSettings } from "../base/settings/ServerConfig.ts"

/**
 * What the servers of a cluster would miss if each kept it in its own data folder. A server that runs services on its own machine shares its
 * database with nobody, so its sources and images may be there.
 */
export const ownFilesOf = ({
  logs,
  masterKey,
  masterKeyFile,
  vaultAddress
}: Pick<ServerSettings, "logs" | "masterKey" | "masterKeyFile" | "vaultAddress">): ReadonlyArray<OwnFile> => [
  ...(logs === "folder" ? [{ what: "the logs of services", setting: "MAXCLOUD_LOGS=s3 (or loki)" }] : []),
  ...(masterKey === undefined && masterKeyFile === undefined && vaultAddress === undefined
    ? [{ what: "the master key", setting: "MAXCLOUD_MASTER_KEY_FILE (or MAXCLOUD_MASTER_KEY, MAXCLOUD_VAULT_ADDR)" }]
    : [])
]
