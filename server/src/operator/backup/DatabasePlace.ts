import type { ServerSettings } from "../../base/settings/ServerConfig.ts"

/** The place of the database, as far as backups need to know it. */
export type DatabasePlace = Pick<ServerSettings, "dataDir" | "databaseUrl" | "migrationDatabaseUrl"> &
  Partial<Pick<ServerSettings, "backupFolder">>
