/** Functions without Schemas, for programs that start fast. */
export { escapedJson } from "./escapedJson.ts"
export { editDistance } from "./nearest.ts"
export { retryAfterMs, retryAfterMsOf } from "./retryAfter.ts"
export { amountIn, durationUnits } from "./units.ts"
export { decodeUtf8, type NotUtf8, utf8Fix, withoutByteOrderMark } from "./utf8.ts"
