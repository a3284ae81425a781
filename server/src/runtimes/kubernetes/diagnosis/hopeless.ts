import type { DiagnosisCode } from "@maxcloud/sdk/api"
import type { Cause } from "./Evidence.ts"

/**
 * Causes that stay until someone changes the image, the config, a secret or the cluster. A program that exits, an occupied port or
 * a full node may be different a minute later: those end a deployment only at its deadline.
 */
const lasting: ReadonlySet<string> = new Set<DiagnosisCode>([
  "ImageNotFound",
  "ImageInvalid",
  "ImageUnauthorized",
  "ImageLayersMissing",
  "RegistryUntrusted",
  "WrongPlatform",
  "CommandNotFound",
  "CommandNotExecutable",
  "UserUnknown",
  "RootRefused",
  "SecretMissing",
  "LimitExceeded",
  "PodSecurityRefused",
  "RuntimeClassMissing",
  "NameTaken"
])

/** Does this cause end a deployment before its deadline? */
export const isHopeless = ({ certain, diagnosis, hopeless }: Cause): boolean =>
  certain && (hopeless ?? lasting.has(diagnosis.code))
