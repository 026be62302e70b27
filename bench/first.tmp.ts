import { tf } from '@engine/tensor';
import { WasmBackend } from '@engine/backend-wasm';
const b = new WasmBackend();
console.log(await b.probe());
let t=performance.now(); await b.activate(process.argv[2]); console.log('activate',performance.now()-t, tf.getBackend());
import fs from 'node:fs';
const rm=new WebAssembly.Memory({initial:300,maximum:65536,shared:true}); const RF=(new WebAssembly.Instance(new WebAssembly.Module(fs.readFileSync('/tmp/proto/k.wasm')),{env:{memory:rm}}).exports as any).r6x8u2row; new Float32Array(rm.buffer).fill(1.01);
const refG=()=>{const t=performance.now(); for(let q=0;q<3;q++) RF(65536,8e6,12e6,288,480,48); return 3*2*480*48*288/(performance.now()-t)/1e6;};
for(let i=0;i<50;i++) refG();
let ratios:number[]=[];
function best(f:()=>tf.Tensor|tf.Tensor[], n=15){ const rr:number[]=[]; for(let i=0;i<n;i++){const r1=refG(); const t=performance.now(); const r=f(); const w=performance.now()-t; const r2=refG(); tf.dispose(r as any); rr.push(1/(w*(r1+r2)/2));} rr.sort((a,b)=>a-b); return 1/rr[Math.floor(n*0.75)]!/42; }
const E=tf.engine();
for (const [name,n,hw,c,o,k,s] of [['3x3 3-16@32',64,32,3,16,3,1],['3x3 16-16@32',64,32,16,16,3,1],['3x3 16-32@32 s2',64,32,16,32,3,2],['3x3 32-32@16',64,16,32,32,3,1],['3x3 64-64@8',64,8,64,64,3,1],['3x3 64-64@32',32,32,64,64,3,1],['3x3 512@4',32,4,512,512,3,1],['1x1 256-64@16',32,16,256,64,1,1]] as const){
 const x=tf.randomUniform([n,hw,hw,c],-1,1,'float32',1) as tf.Tensor4D, w=tf.randomUniform([k,k,c,o],-1,1,'float32',2) as tf.Tensor4D; const p=(k-1)/2; const oh=hw/s; const dy=tf.randomUniform([n,oh,oh,o],-1,1,'float32',3);
 const attrs={strides:[s,s],pads:[p,p,p,p],dilations:[1,1],groups:1}; const g=2*n*oh*oh*o*k*k*c/1e6;
 const f=best(()=>E.runKernel('EngineConv2d',{x,filter:w} as any,attrs as any) as any);
 const gi=best(()=>E.runKernel('EngineConv2dGrad',{x,dy,filter:w} as any,{...attrs,needInput:true,needFilter:false,needBias:false} as any) as any);
 const gf=best(()=>E.runKernel('EngineConv2dGrad',{x,dy,filter:w} as any,{...attrs,needInput:false,needFilter:true,needBias:false} as any) as any);
 console.log(name,'fwd',(g/f).toFixed(1),'dx',(g/gi).toFixed(1),'dw',(g/gf).toFixed(1),'GF/s', '');
 tf.dispose([x,w,dy]);
}
for (const [m,ta,tb] of [[1024,false,false],[1024,true,false],[1024,false,true],[1024,true,true]] as const){ const a=tf.randomUniform([m,m]),b=tf.randomUniform([m,m]); const t=best(()=>tf.matMul(a,b,ta,tb),8); console.log('mm',m,ta,tb,(2*m**3/t/1e6).toFixed(1)); }
console.log(b.memory());
