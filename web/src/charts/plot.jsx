// A chart with two axes on uPlot, which gives scales, axes, zoom and cursor; each chart paints itself.
// New data never resets a zoom. Keys: + and - zoom, 0 shows all, left and right walk the points.
import uPlot from 'uplot';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { dark } from '../theme.js';
import { number } from '../format.js';
import { Icon } from '../ui/icon.jsx';
import { FONT, palette } from './palette.js';

function padded(low, high, part) {
    if (!Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
    const pad = high > low ? (high - low) * part : Math.abs(high) * 0.1 || 1;
    return [low - pad, high + pad];
}

// Down to a millionth of the highest value; zero and below have no place on a log scale.
function logRange(low, high) {
    if (!(high > 0)) return [0.1, 1];
    return [Math.max(low, high * 1e-6) / 1.1, high * 1.1];
}

function axis(more) {
    return {
        font: FONT,
        stroke: () => palette.value.muted,
        grid: { stroke: () => palette.value.line, width: 1 },
        ticks: { show: false },
        gap: 6,
        ...more,
    };
}

// All ticks with as many places as their distance needs.
function ticks(u, values, index, space, step) {
    const places = String(Number(step.toPrecision(3))).split('.')[1]?.length ?? 0;
    return values.map((v) => (Math.abs(v) >= 1e6 || places > 6 ? number(v, 3) : v.toFixed(places)));
}

const logTicks = (_, values) => values.map((v) => (v === null ? '' : number(v, 3)));

// Ticks at whole numbers only: trials and epochs are counted.
const whole = (_, values) => values.map((v) => (Number.isInteger(v) ? String(v) : null));

function options(box, live, { log }) {
    return {
        width: box.clientWidth,
        height: box.clientHeight,
        legend: { show: false },
        padding: [10, 12, 0, 0],
        cursor: { points: { show: false }, drag: { x: true, y: false, setScale: false }, y: false },
        scales: {
            x: { time: false, range: (_, low, high) => live.zoom ?? padded(low, high, 0.03) },
            y: {
                distr: log ? 3 : 1,
                range: (_, low, high) => {
                    if (live.props.yRange && !live.zoom) [low, high] = live.props.yRange;
                    return log ? logRange(low, high) : padded(low, high, 0.08);
                },
            },
        },
        axes: [
            axis({ values: whole, size: 28, space: 50, grid: { show: false } }),
            axis({ values: log ? logTicks : ticks, size: 56, space: 34 }),
        ],
        series: [{}, ...[0, 1].map(() => ({ paths: () => null, points: { show: false } }))],
        hooks: {
            draw: [(u) => paintInside(u, live.props.paint, live.hit)],
            setCursor: [(u) => live.onCursor(u.cursor.left, u.cursor.top)],
            setSelect: [(u) => live.onSelect(u.select)],
        },
    };
}

function paintInside(u, paint, hit) {
    const { ctx: g, bbox } = u;
    g.save();
    g.beginPath();
    g.rect(bbox.left, bbox.top - 8, bbox.width + 10, bbox.height + 16);
    g.clip();
    paint(
        g,
        {
            x: (v) => u.valToPos(v, 'x', true),
            y: (v) => u.valToPos(v, 'y', true),
            ratio: uPlot.pxRatio,
            bottom: bbox.top + bbox.height,
            right: bbox.left + bbox.width,
            low: u.scales.x.min,
            high: u.scales.x.max,
        },
        hit,
    );
    g.restore();
}

// What a key does; false when it does nothing.
function onKey({ key }, live, zoom, show) {
    const { props, plot, hit } = live;
    const { min, max } = plot.scales.x;
    const middle = hit ? props.spot(hit).x : (min + max) / 2;
    const by = { '+': 0.5, '=': 0.5, '-': 2 }[key];
    if (by) zoom([middle - (middle - min) * by, middle + (max - middle) * by]);
    else if (key === '0') zoom(null);
    else if (key === 'ArrowRight' || key === 'ArrowLeft')
        show(props.step(hit, key === 'ArrowRight' ? 1 : -1));
    else if (key === 'Enter' && hit) props.onPick(hit);
    else if (key === 'Escape' && hit) show(null);
    else return false;
    return true;
}

// data: [xs, lows, highs], from which the scales are taken. paint(g, at, hit) draws in canvas pixels.
// find(x, y, at) gives the item nearest to a point in plot pixels, or null; step(hit, by) its neighbour;
// spot(item) its {x, y} in values; tip(item) what is shown there; onPick(item).
export function Plot(props) {
    const { data, log, label, summary, height, tip, children } = props;
    const box = useRef();
    const live = useRef({ zoom: null, hit: null }).current;
    const [hit, setHit] = useState(null);
    const [zoomed, setZoomed] = useState(false);
    live.props = props;

    const show = (item) => {
        if (!live.plot || item?.key === live.hit?.key) return; // no plot: it loses the focus as it goes
        live.hit = item;
        setHit(item);
        live.plot.redraw(false);
    };
    live.onCursor = (left, top) => {
        const { plot } = live;
        if (!plot || left < 0) return show(null);
        show(
            live.props.find(left, top, {
                x: (v) => plot.valToPos(v, 'x'),
                y: (v) => plot.valToPos(v, 'y'),
            }),
        );
    };
    const zoom = (range) => {
        live.zoom = range;
        setZoomed(range !== null);
        live.plot.setData(live.props.data);
    };
    live.onSelect = ({ left, width }) => {
        const { plot } = live;
        if (!plot || width < 5) return;
        live.dragged = true; // the click that ends the drag picks nothing
        zoom([plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x')]);
        plot.setSelect({ left: 0, width: 0 }, false);
    };

    useLayoutEffect(() => {
        live.plot = new uPlot(options(box.current, live, { log }), live.props.data, box.current);
        const watch = new ResizeObserver(() => {
            const { clientWidth: width, clientHeight } = box.current;
            if (width && (width !== live.plot.width || clientHeight !== live.plot.height))
                live.plot.setSize({ width, height: clientHeight });
        });
        watch.observe(box.current);
        document.fonts?.ready.then(() => live.plot?.redraw(false, true));
        return () => {
            watch.disconnect();
            live.plot.destroy();
            live.plot = null;
        };
    }, [log]);
    useEffect(() => live.plot.setData(data), [data, props.yRange]);
    useEffect(() => live.plot.redraw(false), [props.paint, dark.value]);

    const onKeyDown = (event) => onKey(event, live, zoom, show) && event.preventDefault();
    return (
        <figure class="chart">
            <div
                class="plot"
                ref={box}
                style={height ? { height: `${height}px` } : undefined}
                tabindex="0"
                role="group"
                aria-label={`${label}. ${summary}`}
                onKeyDown={onKeyDown}
                onDblClick={() => zoom(null)}
                onBlur={() => show(null)}
                onPointerDown={() => (live.dragged = false)}
                onClick={() => live.hit && !live.dragged && props.onPick(live.hit)}
            >
                {zoomed && (
                    <button
                        class="button is-small plot-reset"
                        onClick={(event) => {
                            event.stopPropagation();
                            zoom(null);
                        }}
                    >
                        <Icon name="reset" />
                        Show all
                    </button>
                )}
                {hit && (
                    <Tip live={live} spot={props.spot(hit)}>
                        {tip(hit)}
                    </Tip>
                )}
            </div>
            {children}
        </figure>
    );
}

function Tip({ live, spot, children }) {
    const ref = useRef();
    useLayoutEffect(() => {
        const { plot } = live;
        if (!plot) return;
        const { over } = plot;
        const x = over.offsetLeft + plot.valToPos(spot.x, 'x');
        const y =
            over.offsetTop +
            (spot.y === null ? plot.over.clientHeight : plot.valToPos(spot.y, 'y'));
        const { offsetWidth: width, offsetHeight: height } = ref.current;
        const left = x + 14 + width > plot.width ? x - 14 - width : x + 14;
        ref.current.style.transform = `translate(${Math.max(0, left)}px, ${Math.max(0, y - height - 10)}px)`;
    });
    return (
        <div class="tip" role="status" ref={ref}>
            {children}
        </div>
    );
}
