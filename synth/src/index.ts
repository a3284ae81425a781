export * from "./annotations.ts"
export * from "./manifest.ts"
export * from "./names.ts"
export type * from "./tenant.ts"
