import manifest from "../../../package.json" with { type: "json" }

/** Version of this server. */
export const version: string = manifest.version

/**
 * The oldest version of the commands and the SDK that this server serves. It rises when something that older ones call
 * was removed after its `Sunset`, or if one of them must not be used any more.
 */
export const minimumClient = "0.1.0"
