// The one table of errors: what each code means, and how it looks to a caller.
export { type AnthropicErrorBody, anthropicErrorBody } from './anthropic.ts';
export { toErrorDetail } from './detail.ts';
export { type ErrorBody, type ErrorShape, errorBody, type RenderedError, renderError } from './render.ts';
export { type ErrorCode, type ErrorRow, type ErrorType, errorTable, isErrorCode } from './table.ts';
export { TollgateError, type TollgateErrorOptions } from './tollgate-error.ts';
