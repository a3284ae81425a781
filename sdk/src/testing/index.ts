/** Tests of a config without a server: what it deploys, as services and as manifests. Needs the package `@maxcloud/synth` beside the SDK. */
export { ConfigInvalid, type ConfigIssue } from "../errors.ts"
export type { Manifests, RenderedConfig, RenderedService } from "./RenderedConfig.ts"
export { type RenderOptions, renderConfig } from "./renderConfig.ts"
