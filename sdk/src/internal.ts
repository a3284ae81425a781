/** Code that max-cloud's own command and server share with the SDK. It may change with every version: don't build on it. */
export { carriesSecret } from "./api/operations.ts"
export { configNames } from "./findConfig.ts"
export { gitRulesOf } from "./ignoreRules.ts"
export { LocalServer, localServerFile, localServersFolder, localToken, tokenDigestOf } from "./localServer.ts"
export { isSafeForTokens } from "./serverUrl.ts"
export { snapshotOf, sourceFields } from "./snapshot.ts"
export { findWorkspace, type Workspace, workspaceAt } from "./source/findWorkspace.ts"
export { sourceFilterOf } from "./sourceFilter.ts"
