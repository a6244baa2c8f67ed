// What the engine says of a trained model: summary, test figures, confusion matrix, sample predictions.
import { useEffect, useState } from 'preact/hooks';
import { get } from '../../data/api.js';
import { count, number } from '../../format.js';

const MATRIX_NUMBERS_MAX = 20; // larger matrices show colours only

function Summary({ summary }) {
    return (
        <section>
            <h3>Model</h3>
            <div class="table-scroll" tabindex="0" role="group" aria-label="Model summary">
                <table>
                    <thead>
                        <tr>
                            <th scope="col">Layer</th>
                            <th scope="col">Type</th>
                            <th scope="col">Output shape</th>
                            <th scope="col" class="is-number">
                                Parameters
                            </th>
                        </tr>
                    </thead>
                    <tbody>
                        {summary.layers.map((layer) => (
                            <tr key={layer.name}>
                                <th scope="row">{layer.name}</th>
                                <td>{layer.type}</td>
                                <td>
                                    {Array.isArray(layer.output_shape)
                                        ? `(${layer.output_shape.map((n) => n ?? 'batch').join(', ')})`
                                        : String(layer.output_shape)}
                                </td>
                                <td class="is-number">{count(layer.parameters)}</td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
            <p class="muted">
                {count(summary.total_parameters)} parameters, {count(summary.trainable_parameters)}{' '}
                trainable
            </p>
        </section>
    );
}

function TestFigures({ test, on }) {
    return (
        <section>
            <h3>Evaluated on the {on ?? 'test'} part</h3>
            <dl class="stats is-small">
                {Object.entries(test)
                    .filter(([, v]) => typeof v === 'number')
                    .map(([name, v]) => (
                        <div class="stat" key={name}>
                            <dt>{name}</dt>
                            <dd>{number(v)}</dd>
                        </div>
                    ))}
            </dl>
        </section>
    );
}

// Rows of precision, recall, f1-score and support, as scikit-learn names them.
function Classification({ report }) {
    const rows = Object.entries(report).filter(
        ([name, row]) =>
            name !== 'text' && row !== null && typeof row === 'object' && !Array.isArray(row),
    );
    if (!rows.length)
        return report.text ? (
            <section>
                <h3>Classification report</h3>
                <pre class="code" tabindex="0">
                    {report.text}
                </pre>
            </section>
        ) : null;
    const columns = Object.keys(rows[0][1]);
    return (
        <section>
            <h3>Classification report</h3>
            <div class="table-scroll" tabindex="0" role="group" aria-label="Classification report">
                <table>
                    <thead>
                        <tr>
                            <th scope="col">Class</th>
                            {columns.map((name) => (
                                <th scope="col" class="is-number" key={name}>
                                    {name.replace('_', ' ')}
                                </th>
                            ))}
                        </tr>
                    </thead>
                    <tbody>
                        {rows.map(([name, row]) => (
                            <tr key={name}>
                                <th scope="row">{name}</th>
                                {columns.map((key) => (
                                    <td key={key} class="is-number">
                                        {key === 'support' ? row[key] : number(row[key], 3)}
                                    </td>
                                ))}
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
        </section>
    );
}

// How much of its colour a cell takes. Between 50 and 85 % neither light nor dark figures can be read.
const tint = (strong) => (strong > 0.5 ? 85 + 30 * (strong - 0.5) : 100 * strong);

// Shares of each true class: the diagonal is what was right, in the accent; mistakes in the colour of failure.
function Confusion({ matrix, names }) {
    const numbers = matrix.length <= MATRIX_NUMBERS_MAX;
    const label = (i) => names?.[i] ?? String(i);
    return (
        <section>
            <h3>Confusion matrix</h3>
            <div class="table-scroll" tabindex="0" role="group" aria-label="Confusion matrix">
                <table class={`confusion ${numbers ? '' : 'is-dense'}`}>
                    <caption class="hidden">Rows are true classes, columns predicted ones.</caption>
                    <thead>
                        <tr>
                            <td class="corner">
                                <span class="muted">true \ predicted</span>
                            </td>
                            {matrix.map((_, i) => (
                                <th scope="col" key={i}>
                                    {label(i)}
                                </th>
                            ))}
                        </tr>
                    </thead>
                    <tbody>
                        {matrix.map((row, i) => {
                            const total = row.reduce((a, b) => a + b, 0) || 1;
                            return (
                                <tr key={i}>
                                    <th scope="row">{label(i)}</th>
                                    {row.map((n, j) => {
                                        const share = n / total;
                                        const strong = i === j ? share : Math.sqrt(share);
                                        return (
                                            <td
                                                key={j}
                                                class={`${i === j ? 'is-right' : 'is-wrong'} ${strong > 0.5 ? 'is-strong' : ''}`}
                                                style={{ '--share': `${tint(strong)}%` }}
                                                title={`${label(i)} taken for ${label(j)}: ${n} (${(100 * share).toFixed(1)} %)`}
                                            >
                                                {numbers ? n : <span class="hidden">{n}</span>}
                                            </td>
                                        );
                                    })}
                                </tr>
                            );
                        })}
                    </tbody>
                </table>
            </div>
        </section>
    );
}

function Samples({ samples }) {
    return (
        <section>
            <h3>Sample predictions</h3>
            <ul class="samples">
                {samples.map((one) => {
                    const right = one.label === one.prediction;
                    const known = typeof one.label !== 'number' || Number.isInteger(one.label);
                    return (
                        <li key={one.index} class={known ? (right ? 'is-right' : 'is-wrong') : ''}>
                            {one.picture && (
                                <img
                                    src={`data:image/png;base64,${one.picture}`}
                                    alt={`Sample ${one.index}`}
                                    width="56"
                                    height="56"
                                />
                            )}
                            <span>
                                <b>
                                    {typeof one.prediction === 'number'
                                        ? number(one.prediction)
                                        : String(one.prediction)}
                                </b>
                                {known
                                    ? right
                                        ? ' right'
                                        : ` not ${one.label}`
                                    : ` (${number(one.label)})`}
                            </span>
                            {Number.isFinite(one.probability) && (
                                <span class="muted">{(100 * one.probability).toFixed(0)} %</span>
                            )}
                        </li>
                    );
                })}
            </ul>
        </section>
    );
}

// `done` counts the executions that can have a report.
export function Report({ path, done }) {
    const [report, setReport] = useState(null);
    const [problem, setProblem] = useState(null);
    useEffect(() => {
        if (!done) return undefined;
        let gone = false;
        get(path).then(
            (one) => gone || setReport(one),
            (fault) => gone || setProblem(fault),
        );
        return () => (gone = true);
    }, [path, done]);
    if (!report)
        return (
            <section>
                <h3>Report</h3>
                <p class="muted">
                    {problem
                        ? problem.message
                        : done
                          ? 'Loading…'
                          : 'It is there once an execution has completed.'}
                </p>
            </section>
        );
    const names = report.class_names ?? null;
    return (
        <>
            {report.test && <TestFigures test={report.test} on={report.evaluated_on} />}
            {report.confusion_matrix?.length > 0 && (
                <Confusion matrix={report.confusion_matrix} names={names} />
            )}
            {report.samples?.length > 0 && <Samples samples={report.samples} />}
            {report.classification_report && (
                <Classification report={report.classification_report} />
            )}
            {report.summary && <Summary summary={report.summary} />}
        </>
    );
}
