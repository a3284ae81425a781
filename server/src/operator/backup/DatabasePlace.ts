import type { ServerSettings } from "../../base/settings/ServerConfig.ts"

/** Where the database is, as far as backups need it. */
export type DatabasePlace = Pick<ServerSettings, "dataDir" | "databaseUrl" | "migrationDatabaseUrl"> &
  Partial<Pick<ServerSettings, "backupFolder">>
