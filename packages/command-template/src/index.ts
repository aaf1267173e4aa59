export { changesOfLines, checkText, plainLines } from './check-text.js';
export type { ParameterUse, PlaceContext } from './parameter-use.js';
export type { ParsedTemplate, ParseOptions, TemplateLanguage } from './parse-template.js';
export { parseTemplate, TEMPLATE_RULES } from './parse-template.js';
export type { ParameterValue } from './render-template.js';
export { renderTemplate } from './render-template.js';
export { shellQuote } from './shell-quote.js';
export { TemplateError } from './template-error.js';
