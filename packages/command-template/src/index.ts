export type { ParameterUse, PlaceContext } from './parameter-use.js';
export type { ParsedTemplate, TemplateLanguage } from './parse-template.js';
export { parseTemplate } from './parse-template.js';
export type { ParameterValue } from './render-template.js';
export { renderTemplate } from './render-template.js';
export { TemplateError } from './template-error.js';
