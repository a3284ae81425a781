/** Tests a config without a server: its services and its manifests. Needs the package `@maxcloud/synth` besides the SDK. */
export { ConfigInvalid, type ConfigIssue } from "../errors.ts"
export type { Manifests, RenderedConfig, RenderedService } from "./RenderedConfig.ts"
export { type RenderOptions, renderConfig } from "./renderConfig.ts"
