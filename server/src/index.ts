/** The max-cloud server: in this process (`embedded`), as this process's work (`runServer`), or as an Effect (`serve`); and what it needs on a cluster (`cluster`). */
export { cluster } from "./cluster/cluster.ts"
export type { ClusterFailure, ClusterResult, Finding, InstallStep } from "./cluster/commands.ts"
export { type Embedded, type EmbeddedOptions, embedded } from "./embedded.ts"
export { runProbe } from "./network/probe.ts"
export { type RunOptions, runServer, serve } from "./runServer.ts"
export type { RunningServer } from "./Server.ts"
export { InvalidSetting, type ServerSettings } from "./ServerConfig.ts"
export { ServerError } from "./ServerError.ts"
