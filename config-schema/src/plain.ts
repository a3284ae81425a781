/** Functions without Schemas, for programs that start fast. */
export { editDistance } from "./nearest.ts"
export { amountIn, durationUnits } from "./units.ts"
