import { canonicalJson } from "@maxcloud/sdk/api"
import { sha256Hex } from "../../../base/words/sha256Hex.ts"

/** Digest of data, to detect changes. */
export const fingerprint = (value: unknown): string => sha256Hex(canonicalJson(value))
