import { canonicalJson } from "@maxcloud/sdk/api"
import { sha256Hex } from "../../../base/words/sha256Hex.ts"

/** Digest of data, to tell whether it has changed. */
export const fingerprint = (value: unknown): string => sha256Hex(canonicalJson(value))
